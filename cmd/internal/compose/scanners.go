package compose

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/limit"
)

// scanners is what outlives reloads of what is known of scanners.
type scanners struct {
	refused   atomic.Int64
	offenders *limit.Offenders
}

func newScanners() *scanners { return &scanners{offenders: limit.NewOffenders()} }

// A client is denied after so many requests of a scanner within this time. One may be a mistake.
const (
	scannerAfter  = 3
	scannerWithin = time.Minute
)

// scannerBits of an IPv6 address are one client.
const scannerBits = 64

// scanners is the stage that refuses scanners; nil: it is off.
func (t *site) scanners(p *parts, pages *httpx.Pages) (func(http.Handler) http.Handler, error) {
	c := &t.cfg.Scanners
	if c.Mode == "off" {
		return nil, nil
	}
	paths, err := limit.ParsePaths(append(limit.ScannerPaths(), c.Paths...), c.Except)
	if err != nil {
		return nil, err
	}
	status, _ := strconv.Atoi(c.Status) // one of the setting's choices
	o := limit.ScannerOptions{Paths: paths, Status: status, IPv6Prefix: scannerBits, Counted: &p.scanners.refused, Pages: pages, Log: p.log}
	if c.Mode == "ban" {
		o.Ban = &limit.BanOptions{Offenders: p.scanners.offenders, After: scannerAfter, Within: scannerWithin, For: c.BanFor,
			Denier: p.clients.Denied, Spared: spared(t.cfg), Cause: "scanner", Log: p.log}
	}
	return limit.Scanners(o), nil
}

// Scanned counts the requests that were refused as a scanner's.
func (l *Limits) Scanned() int64 { return l.scanners.refused.Load() }
