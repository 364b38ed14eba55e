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
func (t *turn) awaitHead(c *clock, x *shim.Exchange) (*wire.Head, error) {
	for {
		fields, err := x.Early(c)
		if err == nil && fields != nil {
			err = t.sendHints(fields)
		}
		if err != nil {
			return nil, err
		}
		if fields == nil {
			break
		}
	}
	if n := x.HintsDropped(); n > 0 {
		t.Log.Warn("early_hints_dropped", "app", t.App, "id", t.info.ID, "method", t.r.Method, "target", t.r.RequestURI, "worker", t.info.Worker,
			"sent", shim.MaxHints, "dropped", n)
	}
	return x.Head(c)
}

// sendHints answers 103 (RFC 8297) with fields and nothing else: what the final
// answer will say waits for it. HTTP/1.0 has no informational answers (RFC 9110
// 15.2). The request's clock runs on.
func (t *turn) sendHints(fields []wire.Field) error {
	for i := range fields {
		if err := checkField(&fields[i]); err != nil {
			return err
		}
	}
	if !t.r.ProtoAtLeast(1, 1) {
		return nil
	}
	h := t.w.Header()
	final := maps.Clone(h)
	clear(h)
	for _, f := range fields {
		switch {
		case hopByHop(f.Name):
			t.sayHopByHop(&f)
		case strings.EqualFold(f.Name, "Content-Length"): // it would speak of a body that a 103 has not
		default:
			h[f.Name] = append(h[f.Name], f.Value)
		}
	}
	if len(h) > 0 {
		// A client that takes nothing must not outlast the request's own limit.
		limit := t.Timeout
		to := http.NewResponseController(t.w)
		if limit > 0 {
			_ = to.SetWriteDeadline(time.Now().Add(limit)) // not every server has one
		}
		t.w.WriteHeader(http.StatusEarlyHints)
		if limit > 0 {
			_ = to.SetWriteDeadline(time.Time{})
		}
		clear(h)
	}
	maps.Copy(h, final)
	return nil
}
