package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
)

var errRefused = &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}

// The way of requests through a group, as the state of its upstreams changes.
func TestWalk(t *testing.T) {
	begin := time.Unix(1000, 0)
	g := NewGroup(Options{Members: members(1, 1, 1), Policy: &RoundRobin{}, Limits: Limits{MaxFails: 2, EjectTime: 30 * time.Second}})
	a, b, c := g.Members()[0], g.Members()[1], g.Members()[2]
	walk := func(now time.Time) string {
		var names strings.Builder
		for w := g.Walk(""); w.More(now); {
			m, _ := w.Next(now)
			g.Report(m, Outcome{Neutral: true}, now)
			m.End()
			names.WriteString(m.Name)
		}
		return names.String()
	}
	report := func(m *Member, o Outcome) func(time.Time) {
		return func(now time.Time) { m.begin(now); g.Report(m, o, now); m.End() }
	}
	no, lost, yes := Outcome{Failed: true, Cause: Connect, Err: errRefused}, Outcome{Failed: true, Cause: Lost, Err: io.EOF}, Outcome{Took: time.Millisecond}
	for i, step := range []struct {
		do    func(time.Time)
		at    time.Duration
		first string // any of them
		last  string
	}{
		{func(time.Time) {}, 0, "abc", "abc"},
		{report(b, no), 0, "ac", "b"},                             // what refuses comes last
		{report(a, lost), 0, "ac", "b"},                           // one failure is none
		{report(a, lost), 0, "ac", "b"},                           // ejected; only one of three is left: health is ignored, but for those that refuse
		{report(b, yes), time.Second, "bc", "a"},                  // two are available again
		{report(b, no), 2 * time.Second, "ac", "b"},               // panic again
		{report(c, no), 3 * time.Second, "a", "c"},                // the longest left out comes before the other
		{func(time.Time) {}, 12500 * time.Millisecond, "ab", "c"}, // b's time is over, c's is not
		{report(c, yes), 13 * time.Second, "bc", "a"},
		{func(time.Time) {}, 31 * time.Second, "abc", "abc"}, // a's time is over
	} {
		now := begin.Add(step.at)
		step.do(now)
		got := walk(now)
		if len(got) != 3 || !strings.Contains(step.first, got[:1]) || !strings.Contains(step.last, got[2:]) {
			t.Errorf("step %d: %s, want one of %q first and one of %q last", i, got, step.first, step.last)
		}
	}
}

// Backups help when fewer than half of the others are available; what is down is never asked.
func TestBackups(t *testing.T) {
	now := time.Unix(1000, 0)
	g := NewGroup(Options{Members: members(1, 1, 1, 1, 1), Limits: Limits{MaxFails: 1, EjectTime: time.Hour}})
	g.Members()[3].Backup, g.Members()[4].Down = true, true
	for i, want := range []Set{0b111, 0b110, 0b1100, 0b1000} {
		if s, _ := candidates(g.Members(), 0, now); s != want {
			t.Errorf("%d are out: %b, want %b", i, s, want)
		}
		g.Members()[i].health.ejected = now.Add(time.Hour)
		g.Members()[i].out.Store(now.Add(time.Hour).UnixNano())
	}
	if s, _ := candidates(g.Members(), 0, now); s != 0b1111 { // all are out: health is ignored
		t.Errorf("%b", s)
	}
	if w := g.Walk(""); true {
		for range 4 {
			w.Next(now)
		}
		if m, full := w.Next(now); m != nil || full {
			t.Errorf("%v was asked", m)
		}
	}
	g = NewGroup(Options{Members: members(1, 1)})
	g.Members()[0].MaxConns, g.Members()[1].MaxConns, g.Members()[1].Backup = 1, 1, true
	w := g.Walk("")
	if m, _ := w.Next(now); m != g.Members()[0] {
		t.Errorf("%v", m)
	}
	w = g.Walk("")
	if m, _ := w.Next(now); m != g.Members()[1] { // the other one is full
		t.Errorf("%v", m)
	}
	w = g.Walk("")
	if m, full := w.Next(now); m != nil || !full {
		t.Errorf("%v, %v", m, full)
	}
}

// At most half of the upstreams are ejected.
func TestHalfIsEjected(t *testing.T) {
	for n, most := range map[int]int{1: 0, 2: 1, 3: 1, 4: 2, 5: 2} {
		g := NewGroup(Options{Members: members(make([]int, n)...), Limits: Limits{MaxFails: 1, EjectTime: time.Hour}})
		now, out := time.Now(), 0
		for _, m := range g.Members() {
			m.begin(now)
			g.Report(m, Outcome{Failed: true, Cause: Lost, Err: io.EOF}, now)
			m.End()
			if m.State(now) == Ejected {
				out++
			}
		}
		if out != most {
			t.Errorf("%d of %d are ejected, want %d", out, n, most)
		}
	}
}

// Checks run in their time and decide; ejections end by themselves; both outlive the group of a reload.
func TestWatching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sick atomic.Bool
		var ran atomic.Int32
		var log strings.Builder
		list := members(1, 1, 1)
		list[0].Probe = func(ctx context.Context) error {
			ran.Add(1)
			if sick.Load() {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		o := Options{Members: list, Route: "/r", Limits: Limits{MaxFails: 2, EjectTime: 30 * time.Second, Rise: 2, Fall: 3}, Checks: Checks{Every: 5 * time.Second, Timeout: time.Second},
			Log: hclog.New(&hclog.LoggerOptions{Output: &log})}
		g := NewGroup(o)
		g.Start()
		defer func() { g.Stop() }()
		a, b := list[0], list[1]
		at := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		at(11 * time.Second)
		if n := ran.Load(); n != 3 || a.State(time.Now()) != Available {
			t.Fatalf("%d checks, %v", n, a.State(time.Now()))
		}
		sick.Store(true)
		at(10 * time.Second)
		if a.State(time.Now()) != Available {
			t.Error("two failed checks are too few")
		}
		at(7 * time.Second)
		if a.State(time.Now()) != Unhealthy {
			t.Error(a.State(time.Now()))
		}
		for range 2 {
			b.begin(time.Now())
			g.Report(b, Outcome{Failed: true, Cause: Status, Err: errors.New("503")}, time.Now())
			b.End()
		}
		if b.State(time.Now()) != Ejected {
			t.Error(b.State(time.Now()))
		}
		g.Stop()
		g = NewGroup(o) // as a reload does
		g.Start()
		sick.Store(false)
		if a.State(time.Now()) != Unhealthy || b.State(time.Now()) != Ejected {
			t.Errorf("a reload forgets: %v %v", a.State(time.Now()), b.State(time.Now()))
		}
		at(13 * time.Second)
		if a.State(time.Now()) != Available {
			t.Error(a.State(time.Now()))
		}
		at(18 * time.Second)
		if b.State(time.Now()) != Available || !b.health.ejected.IsZero() {
			t.Error(b.State(time.Now()))
		}
		for _, want := range []string{"upstream_check_failed: route=/r upstream=a", "upstream_ejected: route=/r upstream=a reason=check", "upstream_ejected: route=/r upstream=b reason=failures", "upstream_returned: route=/r upstream=a reason=check", "upstream_returned: route=/r upstream=b reason=time"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("no %s in\n%s", want, log.String())
			}
		}
	})
}

// Requests wait in their order, each for a time of its own.
func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGroup(Options{Members: members(1)})
		g.Members()[0].MaxConns = 2
		g = NewGroup(g.Options)
		g.Start()
		defer g.Stop()
		m := g.Members()[0]
		for range 2 {
			w := g.Walk("")
			w.Next(time.Now())
		}
		order := make(chan int, 4)
		for i := range 3 {
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				w := g.Walk("")
				if _, err := w.Await(ctx); err != nil {
					i = -1
				}
				order <- i
			}()
			synctest.Wait()
		}
		if i := <-order; i != -1 { // as many wait as may run
			t.Errorf("%d", i)
		}
		m.End()
		if i := <-order; i != 0 {
			t.Errorf("%d came first", i)
		}
		m.End()
		if i := <-order; i != 1 {
			t.Errorf("%d came second", i)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		w := g.Walk("")
		if _, err := w.Await(ctx); !errors.Is(err, ErrFull) {
			t.Error(err)
		}
	})
}

func TestSpeaksHTTP(t *testing.T) {
	for schemes, want := range map[string]bool{"http": true, "https http": true, "http uwsgi": false} {
		var list []*Member
		for s := range strings.FieldsSeq(schemes) {
			list = append(list, &Member{Upstream: NewUpstream("x", s, "h", time.Now())})
		}
		if got := NewGroup(Options{Members: list}).SpeaksHTTP(); got != want {
			t.Errorf("%s: %v", schemes, got)
		}
	}
}

// What choosing an upstream and accounting for its response cost.
func BenchmarkRequest(b *testing.B) {
	for name, p := range map[string]Policy{"p2c": &TwoChoices{}, "round_robin": &RoundRobin{}} {
		g := NewGroup(Options{Members: members(1, 1, 1), Policy: p, Limits: Limits{MaxFails: 5, EjectTime: time.Second}})
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w := g.Walk("")
				m, _ := w.Next(time.Now())
				g.Report(m, Outcome{Took: time.Millisecond}, time.Now())
				m.End()
			}
		})
	}
}
