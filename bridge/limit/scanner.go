package limit

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// ScannerOptions are the settings of the stage Scanners.
type ScannerOptions struct {
	// Paths are what only scanners ask for.
	Paths *Paths
	// Status is the answer.
	Status int
	// Ban says when a client is denied altogether; nil: never.
	Ban *BanOptions
	// IPv6Prefix is how many bits of an IPv6 address are one client.
	IPv6Prefix int
	// Counted counts the refused requests.
	Counted *atomic.Int64
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
	// Log gets scanner_refused; nil: no records are written.
	Log hclog.Logger
}

// Scanners is the stage that refuses requests for paths that only scanners ask for. It comes after
// what the configuration serves at paths of its own.
func Scanners(o ScannerOptions) func(http.Handler) http.Handler {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	return func(next http.Handler) http.Handler {
		return &scanner{o: o, next: next, told: httpx.LogLimiter{Every: time.Minute}}
	}
}

type scanner struct {
	o    ScannerOptions
	next http.Handler
	told httpx.LogLimiter // of scanner_refused, by client
}

func (c *scanner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !c.o.Paths.Has(r.URL.Path) {
		c.next.ServeHTTP(w, r)
		return
	}
	rec := w.(*httpx.Writer)
	n := &rec.Info
	n.Source, n.Refused = "server", "scanner"
	c.o.Counted.Add(1)
	s := subject{info: n, r: r, bits: c.o.IPv6Prefix}
	if c.told.Allow(n.RemoteAddr, time.Now()) {
		c.o.Log.Info("scanner_refused", "client", n.RemoteAddr, "id", n.ID, "method", r.Method, "target", r.RequestURI, "status", c.o.Status)
	}
	if r.ContentLength != 0 {
		rec.EndConnection() // the body has not been read
	}
	c.o.Pages.Write(rec, r, c.o.Status, "", 0)
	c.o.Ban.ban(&s, "")
}
