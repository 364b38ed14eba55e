package chain

import (
	"context"
	"net/http"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// HoldOptions are those of Hold.
type HoldOptions struct {
	// Await returns when the app's present code serves: nil. Its error is why it does not, or that of ctx.
	Await func(ctx context.Context) error
	// Fail answers a request whose code does not serve.
	Fail func(w http.ResponseWriter, r *http.Request, err error)
}

// Hold makes requests wait while the code of their app changes.
func Hold(o HoldOptions) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return &hold{o, next} }
}

type hold struct {
	o    HoldOptions
	next http.Handler
}

func (h *hold) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	err := h.o.Await(r.Context())
	rec := httpx.Find(w)
	if rec != nil {
		rec.Info.Wait += time.Since(start)
	}
	switch {
	case err == nil:
		h.next.ServeHTTP(w, r)
	case r.Context().Err() == nil:
		if rec != nil {
			rec.Info.Err, rec.Info.Source = err, "server"
		}
		h.o.Fail(w, r, err)
	case rec != nil:
		rec.Info.Err, rec.Info.Status = err, httpx.StatusClientGone
		rec.Abort()
	}
}
