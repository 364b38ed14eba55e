package body

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
)

// client is a connection whose body comes in pieces, one with each receive on next. Its
// deadline is real.
type client struct {
	*httptest.ResponseRecorder
	next     chan string // closed: the end of the body
	deadline chan time.Time
	at       time.Time
}

func newClient() *client {
	return &client{ResponseRecorder: httptest.NewRecorder(), next: make(chan string), deadline: make(chan time.Time, 8)}
}

func (c *client) SetReadDeadline(at time.Time) error {
	c.deadline <- at
	return nil
}

func (c *client) Read(p []byte) (int, error) {
	for {
		var due <-chan time.Time
		if !c.at.IsZero() {
			due = time.After(time.Until(c.at))
		}
		select {
		case c.at = <-c.deadline:
			continue
		default:
		}
		select {
		case c.at = <-c.deadline:
		case s, ok := <-c.next:
			if !ok {
				return 0, io.EOF
			}
			return copy(p, s), nil
		case <-due:
			return 0, timeoutError{}
		}
	}
}

type timeoutError struct{ error }

func (timeoutError) Is(err error) bool { return err.Error() == "i/o timeout" } // os.ErrDeadlineExceeded

func begin(c *client, length int64, o Options) *Body {
	r := httptest.NewRequest(http.MethodPost, "/", c)
	r.ContentLength = length
	b := new(Body)
	if o.Spool == nil {
		o.Spool = &spool.Spool{}
	}
	b.Begin(c, r, o)
	return b
}

func TestStreamKeepsTheLimits(t *testing.T) {
	for name, c := range map[string]struct {
		o      Options
		pieces []string
		every  time.Duration
		want   error
	}{
		"all":       {Options{Max: 4, Pace: httpx.Pace{Silence: time.Second}}, []string{"ab", "cd"}, 900 * time.Millisecond, io.EOF},
		"too large": {Options{Max: 3}, []string{"ab", "cd"}, 0, ErrTooLarge},
		"silent":    {Options{Pace: httpx.Pace{Silence: time.Second}}, []string{"ab", "cd"}, 1100 * time.Millisecond, ErrStalled},
		"slow":      {Options{Pace: httpx.Pace{Silence: time.Second, Rate: 100}}, []string{"a", "b", "c", "d"}, 400 * time.Millisecond, ErrStalled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := newClient()
				defer func() {
					for range conn.next { // the goroutine below ends
					}
				}()
				go func() {
					defer close(conn.next)
					for _, p := range c.pieces {
						time.Sleep(c.every)
						conn.next <- p
					}
				}()
				b := begin(conn, -1, c.o)
				b.Stream()
				_, err := io.Copy(io.Discard, b)
				if err == nil {
					err = io.EOF
				}
				if !errors.Is(err, c.want) || b.Complete() != (c.want == io.EOF) || c.want != io.EOF && !errors.Is(b.Err(), c.want) || b.Repeatable() {
					t.Errorf("%v, complete %v, Err %v", err, b.Complete(), b.Err())
				}
				if n, err := b.Read(make([]byte, 1)); n != 0 || !errors.Is(err, c.want) {
					t.Errorf("a later read: %d, %v", n, err)
				}
			})
		})
	}
}

// Stop ends a read that waits, and the one that comes too late.
func TestStop(t *testing.T) {
	for name, stop := range map[string]func(*Body){"Stop": (*Body).Stop, "Cut": (*Body).Cut, "Close": func(b *Body) { NewReader(b).Close() }} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conn := newClient()
				b := begin(conn, 4, Options{})
				b.Stream()
				got := make(chan error)
				go func() {
					_, err := b.Read(make([]byte, 4))
					got <- err
				}()
				synctest.Wait()
				stop(b)
				if err := <-got; err != ErrStopped || b.Err() != nil || b.Complete() {
					t.Errorf("%v, Err %v", err, b.Err())
				}
				if _, err := b.Read(make([]byte, 4)); err != ErrStopped {
					t.Errorf("a later read: %v", err)
				}
				b.Free()
			})
		})
	}
}

// A client that waits for "100 Continue" has a moment after the final response.
func TestAnsweredEarly(t *testing.T) {
	for _, expect := range []string{"", "100-Continue"} {
		synctest.Test(t, func(t *testing.T) {
			conn := newClient()
			b := begin(conn, 4, Options{Pace: httpx.Pace{Silence: time.Minute}})
			b.src.r.Header.Set("Expect", expect)
			b.Stream()
			begun := time.Now()
			go func() {
				time.Sleep(100 * time.Millisecond)
				b.AnsweredEarly()
			}()
			_, err := b.Read(make([]byte, 4))
			want := time.Minute
			if expect != "" {
				want = 100*time.Millisecond + continueTime
			}
			if took := time.Since(begun); err != ErrStalled || took != want {
				t.Errorf("Expect %q: %v after %v", expect, err, took)
			}
			synctest.Wait()
		})
	}
}

func TestRefuse(t *testing.T) {
	for _, c := range []struct {
		length  int64
		max     int64
		stream  bool
		pending bool
		closes  bool
	}{
		{4, 0, false, true, false}, {4, 3, false, true, false}, {smallRest + 1, 3, false, true, true}, {-1, 0, false, true, true},
		{4, 0, true, false, true}, {0, 0, false, false, false},
	} {
		b := begin(newClient(), c.length, Options{Max: c.max})
		if err := b.Check(); errors.Is(err, ErrTooLarge) != (c.max > 0) {
			t.Errorf("%+v: %v", c, err)
		}
		if c.stream {
			b.Stream()
		}
		h := http.Header{}
		pending := b.Pending()
		b.Refuse(h)
		if pending != c.pending || (h.Get("Connection") == "close") != c.closes {
			t.Errorf("%+v: pending %v, %v", c, pending, h)
		}
	}
}

// A buffered body is read again for each try, until Free.
func TestReaders(t *testing.T) {
	conn := newClient()
	go func() {
		conn.next <- "abcd"
		close(conn.next)
	}()
	b := begin(conn, 4, Options{Max: 4})
	if err := b.Buffer(); err != nil || b.Pending() || !b.Repeatable() || b.Buffered().Size() != 4 {
		t.Fatalf("%v, pending %v, %d bytes", err, b.Pending(), b.Buffered().Size())
	}
	first, second := NewReader(b), NewReader(b)
	for _, r := range []io.Reader{first, second} {
		if p, err := io.ReadAll(r); err != nil || string(p) != "abcd" {
			t.Errorf("%q, %v", p, err)
		}
	}
	third := NewReader(b)
	b.Stop()
	b.Free()
	b.Free()
	if _, err := third.Read(make([]byte, 4)); err != ErrStopped {
		t.Errorf("after Free: %v", err)
	}
}

func TestSized(t *testing.T) {
	for _, c := range []struct {
		buffered, conn string
		length         int64
		want           string
		err            error
		left           int64
	}{
		{"ab", "cd", 4, "abcd", nil, 0}, {"abcd", "", 3, "abc", nil, 0}, {"", "abcd", 4, "abcd", nil, 0}, {"a", "bc", 5, "abc", io.ErrUnexpectedEOF, 2},
	} {
		complete := 0
		s := NewSized(strings.NewReader(c.conn), []byte(c.buffered), c.length, func() { complete++ })
		p, err := io.ReadAll(s)
		if string(p) != c.want || err != c.err || s.Left() != c.left || (complete == 1) != (c.err == nil) {
			t.Errorf("%+v: %q, %v, %d left, complete %d", c, p, err, s.Left(), complete)
		}
	}
}
