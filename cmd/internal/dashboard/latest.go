package dashboard

import (
	"bytes"
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	// rhythm is the time between two events of a stream.
	rhythm = time.Second
	// fresh is how old an answer may be that another viewer has asked for.
	fresh = rhythm * 9 / 10
	// patience is how long the server may take.
	patience = 5 * time.Second
)

// latest is what the server says of itself: it is asked once for all viewers.
type latest struct {
	source http.Handler

	mu   sync.Mutex
	at   time.Time
	ok   bool
	body []byte
}

// get returns the JSON of Top; ok is false if the server did not answer: then it is a refusal.
func (l *latest) get(ctx context.Context) (body []byte, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.at) < fresh {
		return l.body, l.ok
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience) // the answer is for the others too
	defer cancel()
	a := ask(ctx, l.source, http.MethodGet, "/v1/top", "", nil)
	l.at, l.ok, l.body = time.Now(), a.status == http.StatusOK, bytes.TrimSpace(a.body.Bytes())
	return l.body, l.ok
}
