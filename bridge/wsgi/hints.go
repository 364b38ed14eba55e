package wsgi

import (
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// awaitHead waits for the answer's head, and meanwhile sends on the early hints
// that come before it.
func (p *response) awaitHead(a *attempt) (shim.Event, error) {
	for {
		e, err := a.wait()
		switch {
		case err != nil:
			return e, err
		case e.Kind == shim.EventHead:
			if e.DroppedHints > 0 {
				p.log.hintsDropped(e.DroppedHints)
			}
			return e, nil
		}
		if err := p.sendHints(e.Fields); err != nil {
			return e, err
		}
	}
}

// sendHints answers 103 (RFC 8297) with fields and nothing else: what the final
// answer will say waits for it. HTTP/1.0 has no informational answers (RFC 9110
// 15.2). The request's time runs on.
func (p *response) sendHints(fields []wire.Field) error {
	for i := range fields {
		if err := checkField(&fields[i]); err != nil {
			return err
		}
	}
	if !p.r.ProtoAtLeast(1, 1) {
		return nil
	}
	h := p.w.Header()
	final := maps.Clone(h)
	clear(h)
	for _, f := range fields {
		switch {
		case hopByHop(f.Name):
			p.log.hopByHop(f.Name)
		case strings.EqualFold(f.Name, "Content-Length"): // it would speak of a body that a 103 has not
		default:
			h[f.Name] = append(h[f.Name], f.Value)
		}
	}
	if len(h) > 0 {
		// A client that takes nothing must not outlast the request's own limit.
		limit := p.o.Timeout
		to := http.NewResponseController(p.w)
		if limit > 0 {
			_ = to.SetWriteDeadline(time.Now().Add(limit)) // not every server has one
		}
		p.w.WriteHeader(http.StatusEarlyHints)
		if limit > 0 {
			_ = to.SetWriteDeadline(time.Time{})
		}
		clear(h)
	}
	maps.Copy(h, final)
	return nil
}
