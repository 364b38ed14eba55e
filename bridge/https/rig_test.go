package https_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/http1"
	"github.com/standpipe/standpipe/bridge/https"
	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/integration/testca"
)

// patience is how long a test waits for what has to come.
const patience = time.Minute

// rig is a server that runs.
type rig struct {
	*https.Server
	ca      *testca.Authority
	address string
	group   *listen.Group

	mu      sync.Mutex
	reasons map[string]int
	changed *sync.Cond
}

// newRig serves h by HTTP/1.1, and protocols before it.
func newRig(t testing.TB, h http.HandlerFunc, o https.Options, protocols ...https.Named) *rig {
	t.Helper()
	r := &rig{ca: testca.New(t, "test CA"), reasons: map[string]int{}}
	r.changed = sync.NewCond(&r.mu)
	server := r.ca.Sign(t, testca.For("localhost", "127.0.0.1"))
	if o.Certificate == nil {
		o.Certificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return server.Certificate, nil }
	}
	o.Failed = func(reason string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.reasons[reason]++
		r.changed.Broadcast()
	}
	o.Protocols = append(protocols, https.Named{Name: "http/1.1", Protocol: http1.New(h, http1.Options{HeaderTimeout: patience, IdleTimeout: patience})})
	r.Server = https.New(o)
	r.group = listen.NewGroup(listen.Options{MaxConnections: 500})
	ln, err := listen.Listen(context.Background(), listen.Spec{Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	r.address = ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- r.group.Serve(ln, r.Server) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = r.group.Shutdown(ctx)
		r.group.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if n := r.group.Connections(); n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
	return r
}

// wait waits until a handshake has failed for the reason n times.
func (r *rig) wait(t testing.TB, reason string, n int) {
	t.Helper()
	late := time.AfterFunc(patience, r.changed.Broadcast)
	defer late.Stop()
	begun := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.reasons[reason] < n {
		if time.Since(begun) >= patience {
			t.Fatalf("%d handshakes failed for %q, want %d; all: %v", r.reasons[reason], reason, n, r.reasons)
		}
		r.changed.Wait()
	}
}

func (r *rig) client(o *tls.Config) *http.Client {
	if o == nil {
		o = &tls.Config{}
	}
	o.RootCAs = r.ca.Pool
	return &http.Client{Transport: &http.Transport{TLSClientConfig: o}, Timeout: patience}
}

// dial makes a connection with a handshake.
func (r *rig) dial(t testing.TB) *tls.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", r.address, &tls.Config{RootCAs: r.ca.Pool, ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
