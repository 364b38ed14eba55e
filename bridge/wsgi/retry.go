package wsgi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/standpipe/standpipe/shim"
)

// errAgain wraps the loss of a worker after which the request may be run once
// more.
var errAgain = errors.New("the request may be run again")

// again is the Label's word on a second run: a request that has started is run
// once more at most, only with a method that is safe (RFC 9110 9.2.1), and only
// when its worker's death was not its own doing, which shim.Fate knows.
func (t *turn) again() string {
	switch {
	case !safe(t.r.Method):
		return "" // "POST had started"
	case t.NoRetry:
		return "retry is never"
	case t.stream:
		return "its body was not kept (request_buffering = off)"
	case t.ran:
		return "it had been run twice"
	}
	return "yes"
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// lost asks what became of the worker, when it was lost before its answer had
// begun.
func (t *turn) lost(ctx context.Context, x *shim.Exchange, err error) error {
	if !errors.Is(err, shim.ErrWorkerGone) || errors.Is(err, errCut) {
		return err
	}
	again, why := x.Retry(ctx)
	if !again {
		return err
	}
	t.Log.Info("request_retried", "app", t.App, "id", t.info.ID, "method", t.r.Method, "target", t.r.RequestURI, "worker", t.info.Worker, "reason", why)
	return fmt.Errorf("%w: %w", errAgain, err)
}
