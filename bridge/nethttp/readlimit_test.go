package nethttp

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"
)

// later is long enough never to come.
func later() time.Time { return time.Now().Add(time.Hour) }

// A read deadline is what it is of any connection, however few of them reach the
// connection itself.
func TestReadDeadlines(t *testing.T) {
	soon := func() time.Time { return time.Now().Add(50 * time.Millisecond) }
	ago := time.Unix(1, 0)
	timeout := func(t *testing.T, c *conn) {
		t.Helper()
		if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%d, %v", n, err)
		}
	}
	oneByte := func(t *testing.T, c *conn, client io.Writer) {
		t.Helper()
		if _, err := client.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	for _, now := range []struct {
		name string
		at   func() time.Time
	}{{"soon", soon}, {"now", time.Now}, {"long ago", func() time.Time { return ago }}} {
		t.Run(now.name+", before the read", func(t *testing.T) {
			c, client := pairOf(t)
			_ = c.SetReadDeadline(now.at())
			timeout(t, c)
			timeout(t, c)
			_ = c.SetReadDeadline(time.Time{}) // gone again
			oneByte(t, c, client)
			_ = c.SetDeadline(now.at())
			timeout(t, c)
			_ = c.SetDeadline(later())
			oneByte(t, c, client)
			_ = c.SetReadDeadline(now.at()) // earlier than the one that the connection has
			timeout(t, c)
		})
		for _, had := range []struct {
			name string
			at   time.Time
		}{{"none", time.Time{}}, {"a later one", later()}} {
			t.Run(now.name+", within the read, which had "+had.name, func(t *testing.T) {
				c, client := pairOf(t)
				_ = c.SetReadDeadline(had.at)
				got := make(chan error, 1)
				go func() {
					_, err := c.Read(make([]byte, 1))
					got <- err
				}()
				until(t, "the read", func() bool { c.reads.mu.Lock(); defer c.reads.mu.Unlock(); return c.reads.reading == 1 })
				_ = c.SetReadDeadline(now.at())
				if err := <-got; !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatal(err)
				}
				_ = c.SetReadDeadline(had.at)
				oneByte(t, c, client)
			})
		}
	}
	for _, to := range []struct {
		name string
		at   time.Time
	}{{"none", time.Time{}}, {"a later one", later()}} {
		t.Run("put off to "+to.name+" within the read", func(t *testing.T) {
			t.Parallel()
			c, client := pairOf(t)
			early := time.Now().Add(time.Second) // the read has begun by then
			_ = c.SetReadDeadline(early)
			got := make(chan error, 1)
			go func() {
				_, err := c.Read(make([]byte, 1))
				got <- err
			}()
			until(t, "the read", func() bool { c.reads.mu.Lock(); defer c.reads.mu.Unlock(); return c.reads.reading == 1 })
			_ = c.SetReadDeadline(to.at)
			until(t, "the old deadline's end", func() bool {
				c.reads.mu.Lock()
				defer c.reads.mu.Unlock()
				return c.reads.armed.Equal(to.at) || len(got) > 0
			})
			if time.Now().Before(early) {
				t.Error("the deadline was set again before it was due")
			}
			if _, err := client.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			if err := <-got; err != nil {
				t.Fatal(err)
			}
		})
	}
}
