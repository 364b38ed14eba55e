package chain

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// PanicsOptions are the settings of the stage Panics.
type PanicsOptions struct {
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
	// Log gets panic; nil: no records are written.
	Log hclog.Logger
}

// Panics is the stage that turns a panic into an answer, 500, or into an aborted one when
// the head has gone out. It notes what is to be logged of an aborted answer.
func Panics(o PanicsOptions) func(http.Handler) http.Handler {
	o.Log = orNull(o.Log)
	return func(next http.Handler) http.Handler { return &panics{o, next} }
}

type panics struct {
	o    PanicsOptions
	next http.Handler
}

func (s *panics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := w.(*httpx.Writer)
	defer s.end(rec, r)
	s.next.ServeHTTP(rec, r)
}

func (s *panics) end(rec *httpx.Writer, r *http.Request) {
	switch p := recover(); p {
	case nil:
	case http.ErrAbortHandler: // a library's way to abort
		rec.Abort()
	default:
		s.o.Log.Error("panic", "id", rec.Info.ID, "method", r.Method, "target", r.RequestURI, "error", fmt.Sprint(p), "traceback", string(debug.Stack()))
		if rec.Status() == 0 {
			s.page(rec, r)
			return
		}
		rec.Abort()
	}
	if rec.Aborted() {
		describe(rec, r)
	}
}

// describe fills what the log says of an aborted answer.
func describe(rec *httpx.Writer, r *http.Request) {
	n := &rec.Info
	switch {
	case rec.Status() == 0:
		if n.Status == 0 {
			n.Status = http.StatusInternalServerError
		}
	case !httpx.Complete(rec, r):
		n.Aborted = true
	case errors.Is(n.Err, httpx.ErrClientGone):
		n.Err = nil // the client left with all that it was to get
	}
}

// page answers 500 after a panic. Fields that the handler has set are dropped, and those
// of the stages stay.
func (s *panics) page(rec *httpx.Writer, r *http.Request) {
	clear(rec.Header())
	rec.UseLines(nil)
	rec.Fields.Clear()
	rec.EndConnection()
	rec.Info.Source = "server"
	s.o.Pages.Write(rec, r, http.StatusInternalServerError, "", 0)
}

func orNull(log hclog.Logger) hclog.Logger {
	if log == nil {
		return hclog.NewNullLogger()
	}
	return log
}
