package upstream

import (
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Informer gets the informational responses to a request (RFC 9110 15.2), before Send returns.
type Informer interface {
	Inform(status int, list []httpx.Field)
}

// roundTrip2 sends a request by net/http's transport, whose goroutines may still have an informational response when
// RoundTrip has returned.
func roundTrip2(t *http.Transport, q *Request) (*Response, error) {
	req, i := q.message(), q.Informer
	delete(req.Header, "Upgrade") // as a server that does not know it
	delete(req.Header, "Connection")
	var (
		mu   sync.Mutex
		over bool
	)
	trace := &httptrace.ClientTrace{Got1xxResponse: func(status int, fields textproto.MIMEHeader) error {
		mu.Lock()
		defer mu.Unlock()
		if !over && i != nil {
			i.Inform(status, fieldsOf(http.Header(fields), nil))
		}
		return nil
	}}
	resp, err := t.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	mu.Lock()
	defer mu.Unlock()
	over = true
	if err != nil {
		return nil, err
	}
	return responseOf(resp, q.Room), nil
}
