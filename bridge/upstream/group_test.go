package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The way of requests through a group, as the state of its upstreams changes.
func TestWalk(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	begin := time.Unix(1000, 0)
	a, b, c := &Upstream{Name: "a"}, &Upstream{Name: "b"}, &Upstream{Name: "c"}
	g := NewGroup([]*Upstream{a, b, c}, &RoundRobin{})
	walk := func(now time.Time) string {
		var names strings.Builder
		for w := g.Walk(); w.More(now); {
			names.WriteString(w.Next(now).Name)
		}
		return names.String()
	}
	for _, step := range []struct {
		do   func(now time.Time)
		at   time.Duration
		want string
	}{
		{func(time.Time) {}, 0, "abc"},
		{func(time.Time) {}, 0, "bca"},
		{func(now time.Time) { b.Report(now, fmt.Errorf("wrapped: %w", refused)) }, 0, "cab"},
		{func(now time.Time) { a.Report(now, io.ErrUnexpectedEOF) }, 0, "acb"},   // it did not refuse
		{func(now time.Time) { c.Report(now, refused) }, time.Second, "abc"},     // the longest left out comes first
		{func(now time.Time) { a.Report(now, refused) }, 2 * time.Second, "bca"}, // all are left out
		{func(time.Time) {}, leaveOutFor, "bca"},                                 // b's time is over
		{func(now time.Time) { a.Report(now, nil) }, leaveOutFor, "bac"},         // it has answered
		{func(time.Time) {}, leaveOutFor + 500*time.Millisecond, "abc"},          // c is still left out
		{func(time.Time) {}, leaveOutFor + time.Second, "abc"},                   // all are available
	} {
		now := begin.Add(step.at)
		step.do(now)
		if got := walk(now); got != step.want {
			t.Errorf("after %v: %s, want %s", step.at, got, step.want)
		}
	}
	w := g.Walk()
	for range 3 {
		w.Next(begin)
	}
	if u := w.Next(begin); u != nil || w.More(begin) {
		t.Errorf("a fourth one: %v", u)
	}
}

func TestSpeaksHTTP(t *testing.T) {
	for schemes, want := range map[string]bool{"http": true, "https http": true, "http uwsgi": false} {
		var list []*Upstream
		for s := range strings.FieldsSeq(schemes) {
			list = append(list, &Upstream{Scheme: s})
		}
		if got := NewGroup(list, &RoundRobin{}).SpeaksHTTP(); got != want {
			t.Errorf("%s: %v", schemes, got)
		}
	}
}

type status int

func (s status) Error() string   { return "failed" }
func (s status) HTTPStatus() int { return int(s) }

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		err                               error
		refused, closed, broken, timedOut bool
		status                            int
	}{
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true, false, true, false, 0},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, false, true, true, false, 0},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, false, false, true, true, 0},
		{io.EOF, false, true, true, false, 0},
		{syscall.EPIPE, false, true, true, false, 0},
		{context.DeadlineExceeded, false, false, false, true, 0},
		{errors.New("http: server closed idle connection"), false, false, true, false, 0},
		{status(431), false, false, false, false, 431},
	} {
		if Refused(c.err) != c.refused || Closed(c.err) != c.closed || Broken(c.err) != c.broken || TimedOut(c.err) != c.timedOut || StatusOf(c.err) != c.status {
			t.Errorf("%v: %v %v %v %v %d", c.err, Refused(c.err), Closed(c.err), Broken(c.err), TimedOut(c.err), StatusOf(c.err))
		}
	}
	plain, upgrade := &http.Request{}, &http.Request{Header: http.Header{"Upgrade": {"websocket"}}}
	for code, want := range map[int][2]bool{100: {false, false}, 101: {false, true}, 200: {true, true}, 599: {true, true}, 600: {false, false}} {
		if Answers(plain, code) != want[0] || Answers(upgrade, code) != want[1] {
			t.Errorf("%d", code)
		}
	}
}
