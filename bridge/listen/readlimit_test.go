package listen

import (
	"errors"
	"os"
	"sync"
	"testing"
	"time"
)

// reads reads a byte.
func reads(c *Conn) error {
	_, err := c.Read(make([]byte, 1))
	return err
}

// A read ends soon after its moment, the next moment counts for the next read, and the last of
// ReadBy and SetReadDeadline counts.
func TestReadBy(t *testing.T) {
	const limit = 200 * time.Millisecond
	c, client := pairOf(t)
	late := func(name string, at time.Time) {
		t.Helper()
		if err := reads(c); !errors.Is(err, os.ErrDeadlineExceeded) || time.Until(at) > 50*time.Millisecond || time.Since(at) > patience {
			t.Errorf("%s: %v after it: %v", name, time.Since(at), err)
		}
	}
	arrives := func(name string) {
		t.Helper()
		_, _ = client.Write([]byte("x"))
		if err := reads(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	soon := func() time.Time { return time.Now().Add(limit) }
	var at time.Time
	for longer := limit; ; longer *= 2 {
		at = time.Now().Add(longer)
		c.ReadBy(at)
		_, _ = client.Write([]byte("x"))
		err := reads(c)
		if err == nil {
			break
		}
		if time.Now().Before(at) {
			t.Fatalf("in time: %v", err)
		}
		c.ReadBy(time.Time{}) // this machine is slow
		if err := reads(c); err != nil {
			t.Fatal(err)
		}
	}
	late("the same moment", at)
	late("it stays over", at)
	at = soon()
	c.ReadBy(at)
	late("again", at)
	c.ReadBy(time.Time{})
	arrives("no moment")
	at = time.Now().Add(-time.Second)
	c.ReadBy(at)
	late("past", at)
	_ = c.SetReadDeadline(time.Now().Add(time.Hour))
	arrives("a deadline ends the moment")
	at = soon()
	c.ReadBy(at)
	late("a moment ends the deadline", at)
	at = soon()
	_ = c.SetDeadline(at)
	late("a deadline", at)
	c.ReadBy(time.Now().Add(time.Hour))
	arrives("a far moment")
}

// Far moments are looked at, too, and none of them sets the timer.
func TestReadByBeyondTheNextLook(t *testing.T) {
	c, _ := pairOf(t)
	w := &c.group.watch
	state := func() (looked moment, next int64) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.looked, w.next.Load()
	}
	var at time.Time
	for compared := false; !compared; { // unless a look comes meanwhile
		looked, next := state()
		at = time.Now().Add(1500 * time.Millisecond)
		c.ReadBy(at)
		lookedNow, nextNow := state()
		if compared = lookedNow == looked; compared && nextNow != next {
			t.Error("the timer was set")
		}
	}
	if err := reads(c); !errors.Is(err, os.ErrDeadlineExceeded) || time.Until(at) > 100*time.Millisecond || time.Since(at) > patience {
		t.Errorf("%v after it: %v", time.Since(at), err)
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
		if err := reads(c); err != nil {
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
