package listen

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// listener gets what a request is told.
type listener chan error

func (l listener) Disconnected(err error) { l <- err }

// begin begins a request on c and waits until the system watches its client.
func begun(t *testing.T, c *Conn) listener {
	t.Helper()
	l := make(listener, 8)
	c.WatchRequest(l)
	waitUntil(t, "the request is watched", func() bool { return c.client.state.Load()&phaseMask != phaseRunning })
	return l
}

func (l listener) wants(t *testing.T, reason error) {
	t.Helper()
	select {
	case err := <-l:
		if !errors.Is(err, reason) || !errors.Is(err, httpx.ErrClientGone) {
			t.Errorf("told %v, want %v", err, reason)
		}
	case <-time.After(patience):
		t.Error("not told")
	}
}

// older makes the request of c older, so that no test depends on when it runs.
func older(c *Conn, by time.Duration) {
	d := &c.group.clients
	d.mu.Lock()
	defer d.mu.Unlock()
	of := d.watched[c.client.token]
	of.since = of.since.Add(-by)
	d.watched[c.client.token] = of
}

func reset(t *testing.T, client net.Conn) {
	t.Helper()
	if tcp, ok := client.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	client.Close()
}

// A client that closes its side early waits for its answer. Only its full end is told.
func TestEarlyHalfCloseIsNoDisconnect(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		for name, wait := range map[string]bool{"before the watch": false, "watched": true} {
			t.Run(network+" "+name, func(t *testing.T) {
				t.Parallel()
				c, client := pairOn(t, network, NewGroup(Options{}))
				var l listener
				if !wait {
					client.CloseWrite()
					l = begun(t, c)
				} else {
					l = begun(t, c)
					older(c, -time.Minute)
					client.CloseWrite()
				}
				waitUntil(t, "HalfClosed", c.HalfClosed)
				if len(l) > 0 {
					t.Fatalf("told %v", <-l)
				}
				if _, err := c.Write([]byte("the answer")); err != nil {
					t.Error(err)
				}
				reset(t, client)
				l.wants(t, syscall.ECONNRESET)
				c.EndRequest()
			})
		}
	}
}

// A client that closes its side late has disconnected, and so has one that is gone altogether.
func TestDisconnects(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		for name, row := range map[string]struct {
			do     func(t *testing.T, c *Conn, client streamClient)
			reason error
		}{
			"late half-close": {func(_ *testing.T, c *Conn, client streamClient) { older(c, time.Minute); client.CloseWrite() }, io.EOF},
			"no half-close":   {func(_ *testing.T, c *Conn, client streamClient) { client.CloseWrite() }, io.EOF},
			"reset":           {func(t *testing.T, _ *Conn, client streamClient) { reset(t, client) }, syscall.ECONNRESET},
			"closed here":     {func(_ *testing.T, c *Conn, _ streamClient) { c.Close() }, net.ErrClosed},
			"group closed":    {func(_ *testing.T, c *Conn, _ streamClient) { c.group.Close() }, net.ErrClosed},
		} {
			t.Run(network+" "+name, func(t *testing.T) {
				t.Parallel()
				c, client := pairOn(t, network, NewGroup(Options{}))
				if _, err := client.Write([]byte("another request")); err != nil { // unread bytes hide nothing
					t.Fatal(err)
				}
				if name == "no half-close" {
					c.NoHalfClose = true
				}
				l := begun(t, c)
				row.do(t, c, client)
				l.wants(t, row.reason)
				c.EndRequest()
				if len(l) > 0 || len(c.group.clients.watched) > 0 || c.client.told != nil {
					t.Errorf("%d more, %v watched", len(l), c.group.clients.watched)
				}
			})
		}
	}
}

// Requests of one connection are told apart, and one that is over is not told.
func TestEndedRequestIsNotTold(t *testing.T) {
	c, client := pairOn(t, "tcp", NewGroup(Options{}))
	first, second, third := begun(t, c), make(listener, 1), make(listener, 1)
	c.EndRequest()
	c.EndRequest() // does nothing
	c.WatchRequest(second)
	c.EndRequest()
	c.WatchRequest(third)
	reset(t, client)
	third.wants(t, syscall.ECONNRESET)
	c.EndRequest()
	if len(first)+len(second)+len(third) > 0 {
		t.Errorf("%d, %d, %d told", len(first), len(second), len(third))
	}
}

// slowListener takes its time.
type slowListener struct {
	begun    chan struct{}
	returned atomic.Bool
}

func (l *slowListener) Disconnected(error) {
	close(l.begun)
	time.Sleep(20 * time.Millisecond)
	l.returned.Store(true)
}

// EndRequest waits for a Disconnected that has begun.
func TestEndRequestWaitsForDisconnected(t *testing.T) {
	c, client := pairOn(t, "tcp", NewGroup(Options{}))
	l := &slowListener{begun: make(chan struct{})}
	c.WatchRequest(l)
	reset(t, client)
	<-l.begun
	if c.EndRequest(); !l.returned.Load() {
		t.Error("it did not wait")
	}
}

// counter counts what it is told while its request runs, and after.
type counter struct {
	over        atomic.Bool
	told, after atomic.Int32
}

func (l *counter) Disconnected(error) {
	l.told.Add(1)
	if l.over.Load() {
		l.after.Add(1)
	}
}

// Requests of every length, on connections that end at any time: each is told once at most,
// and none when it is over. At the end nothing is left.
func TestDisconnectsAtAnyTime(t *testing.T) {
	g := NewGroup(Options{})
	var wrong atomic.Int32
	var wg sync.WaitGroup
	for i := range 200 {
		c, client := pairOn(t, []string{"tcp", "unix"}[i%2], g)
		gone := make(chan struct{})
		wg.Go(func() {
			defer close(gone)
			time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
			reset(t, client)
		})
		wg.Go(func() {
			defer c.Close()
			for over := false; !over; {
				l := new(counter)
				c.WatchRequest(l)
				select {
				case <-gone: // this request sees the end in any case
					over = true
					for end := time.Now().Add(patience); l.told.Load() == 0 && time.Now().Before(end); {
						time.Sleep(time.Millisecond)
					}
					if l.told.Load() != 1 {
						wrong.Add(1)
					}
				case <-time.After(time.Duration(rand.ExpFloat64() * float64(8*time.Millisecond))):
				}
				c.EndRequest()
				l.over.Store(true)
				if l.told.Load() > 1 || l.after.Load() > 0 {
					wrong.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if wrong.Load() > 0 {
		t.Errorf("%d requests were not told once, or were told late", wrong.Load())
	}
	d := &g.clients
	waitUntil(t, "no request is watched or young", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.watched) == 0 && len(d.young) == 0 && !d.ticking.Load()
	})
}

// BenchmarkWatchRequest is what a short request costs.
func BenchmarkWatchRequest(b *testing.B) {
	g := NewGroup(Options{})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		c, _ := pairOn(b, "tcp", g)
		l := make(listener, 1)
		for pb.Next() {
			c.WatchRequest(l)
			c.EndRequest()
		}
	})
}

// BenchmarkWatchLongRequest is what a request costs that the system watches.
func BenchmarkWatchLongRequest(b *testing.B) {
	c, _ := pairOn(b, "tcp", NewGroup(Options{}))
	l := make(listener, 1)
	b.ReportAllocs()
	for b.Loop() {
		c.WatchRequest(l)
		d := &c.group.clients
		d.mu.Lock()
		d.register(&youngRequest{c: c, state: c.client.state.Load(), since: time.Now()})
		d.mu.Unlock()
		c.EndRequest()
	}
}
