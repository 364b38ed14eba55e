package upstream

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"
)

// Informer gets the informational responses to a request (RFC 9110 15.2), before RoundTrip returns.
type Informer interface {
	Inform(status int, fields http.Header)
}

type informerKey struct{}

// WithInformer returns a context for a request whose informational responses i gets.
func WithInformer(ctx context.Context, i Informer) context.Context {
	return context.WithValue(ctx, informerKey{}, i)
}

// informerOf is the request's; nil: it has none.
func informerOf(ctx context.Context) Informer {
	i, _ := ctx.Value(informerKey{}).(Informer)
	return i
}

// roundTrip2 sends a request by net/http's transport, whose goroutines may still have an informational response when
// RoundTrip has returned.
func roundTrip2(t *http.Transport, req *http.Request) (*http.Response, error) {
	i := informerOf(req.Context())
	if i == nil {
		return t.RoundTrip(req)
	}
	var (
		mu   sync.Mutex
		over bool
	)
	trace := &httptrace.ClientTrace{Got1xxResponse: func(status int, fields textproto.MIMEHeader) error {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			i.Inform(status, http.Header(fields))
		}
		return nil
	}}
	resp, err := t.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	mu.Lock()
	defer mu.Unlock()
	over = true
	return resp, err
}
