package h3

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// A client that resets its stream within the body has disconnected: it breaks no rule.
func TestBodyReset(t *testing.T) {
	r := newRig(t)
	keys, _ := NewKeys(nil)
	udp := newUDP(t)
	u, err := NewSocket(udp, keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	began, got := make(chan bool), make(chan error, 1)
	r.serve(u, keys, func(w http.ResponseWriter, r *http.Request) {
		began <- true
		_, err := io.ReadAll(r.Body)
		got <- err
	})
	client := r.client()
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		body, part := io.Pipe()
		req, err := http.NewRequestWithContext(ctx, "POST", "https://"+udp.LocalAddr().String(), body)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = client.Do(req) }()
		_, _ = io.WriteString(part, "x")
		<-began
		cancel()
		part.CloseWithError(errors.New("left"))
		select {
		case err = <-got:
		case <-time.After(patience):
			t.Fatal("the read goes on")
		}
		if !errors.Is(err, httpx.ErrClientGone) {
			t.Fatalf("%v", err)
		}
	}
}
