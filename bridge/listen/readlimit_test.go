package listen

import (
	"errors"
	"os"
	"sync"
	"testing"
	"time"
)

// reads reads a byte and returns the error, and how long that took.
func reads(c *Conn) (took time.Duration, err error) {
	start := time.Now()
	_, err = c.Read(make([]byte, 1))
	return time.Since(start), err
}

// A read ends soon after its moment, the next moment counts for the next read, and the last of
// ReadBy and SetReadDeadline counts.
func TestReadBy(t *testing.T) {
	const limit = 200 * time.Millisecond
	c, client := pairOf(t)
	late := func(name string, least time.Duration) {
		t.Helper()
		if took, err := reads(c); !errors.Is(err, os.ErrDeadlineExceeded) || took < least || took > least+5*time.Second {
			t.Errorf("%s: after %v: %v", name, took, err)
		}
	}
	arrives := func(name string) {
		t.Helper()
		_, _ = client.Write([]byte("x"))
		if _, err := reads(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.ReadBy(time.Now().Add(limit))
	arrives("in time")
	late("the same moment", 0)
	late("it stays over", 0)
	c.ReadBy(time.Now().Add(limit))
	late("again", limit-50*time.Millisecond)
	c.ReadBy(time.Time{})
	arrives("no moment")
	c.ReadBy(time.Now().Add(-time.Second))
	late("past", 0)
	_ = c.SetReadDeadline(time.Now().Add(time.Hour))
	arrives("a deadline ends the moment")
	c.ReadBy(time.Now().Add(limit))
	late("a moment ends the deadline", limit-50*time.Millisecond)
	_ = c.SetDeadline(time.Now().Add(limit))
	late("a deadline", limit-50*time.Millisecond)
	c.ReadBy(time.Now().Add(time.Hour))
	arrives("a far moment")
}

// Far moments are looked at, too, and none of them sets the timer.
func TestReadByBeyondTheNextLook(t *testing.T) {
	c, _ := pairOf(t)
	next := c.group.watch.next.Load()
	c.ReadBy(time.Now().Add(1500 * time.Millisecond))
	if c.group.watch.next.Load() != next {
		t.Error("the timer was set")
	}
	if took, err := reads(c); !errors.Is(err, os.ErrDeadlineExceeded) || took < 1400*time.Millisecond || took > 5*time.Second {
		t.Errorf("after %v: %v", took, err)
	}
}

// A moment that is replaced while the watch ends it does no harm to the reads after it.
func TestReadByWhileItExpires(t *testing.T) {
	c, client := pairOf(t)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				c.group.watch.look()
			}
		}
	})
	for i := range 2000 {
		c.ReadBy(time.Now().Add(50 * time.Microsecond))
		for until := time.Now().Add(time.Duration(i%3) * 30 * time.Microsecond); time.Now().Before(until); {
		}
		if i%2 == 0 {
			c.ReadBy(time.Now().Add(time.Minute))
		} else {
			_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		}
		_, _ = client.Write([]byte("x"))
		if _, err := reads(c); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
}

func BenchmarkReadBy(b *testing.B) {
	c, _ := pairOf(b)
	at := time.Now().Add(time.Hour)
	b.Run("ReadBy", func(b *testing.B) {
		for b.Loop() {
			c.ReadBy(at)
		}
	})
	b.Run("SetReadDeadline", func(b *testing.B) {
		for b.Loop() {
			_ = c.SetReadDeadline(at)
		}
	})
}

// BenchmarkLook is one look at 10,000 idle connections.
func BenchmarkLook(b *testing.B) {
	g := NewGroup(Options{})
	for range 10_000 {
		c := newConn(nil, g)
		g.watch.add(c)
		c.ReadBy(time.Now().Add(time.Hour))
	}
	for b.Loop() {
		g.watch.look()
	}
}
