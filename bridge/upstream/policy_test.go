package upstream

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// members are upstreams a, b, c, ... with these weights.
func members(weights ...int) []*Member {
	list := make([]*Member, len(weights))
	for i, w := range weights {
		list[i] = &Member{Upstream: NewUpstream(string(rune('a'+i)), "http", "h", time.Unix(0, 0)), Weight: w}
	}
	return list
}

// near fails unless the shares are those of the weights, within 5 %.
func near(t *testing.T, what string, got []int, weights ...float64) {
	t.Helper()
	sum, all := 0.0, 0.0
	for i, w := range weights {
		sum += w
		all += float64(got[i])
	}
	for i, w := range weights {
		if want := all * w / sum; math.Abs(float64(got[i])-want) > 0.05*want {
			t.Errorf("%s: shares %v, want those of %v", what, got, weights)
			return
		}
	}
}

func TestRoundRobinIsSmooth(t *testing.T) {
	g := NewGroup(Options{Members: members(3, 1)})
	p := &RoundRobin{}
	var b strings.Builder
	for range 8 {
		b.WriteString(g.Members()[p.Pick(g.Members(), 3, "", time.Now())].Name)
	}
	if b.String() != "aabaaaba" {
		t.Error(b.String())
	}
}

// simulate sends requests at a fixed rate through a Group. latency is how long each upstream takes.
func simulate(g *Group, requests int, gap time.Duration, latency func(m int) time.Duration, key func(i int) string) (shares []int) {
	type end struct {
		m    *Member
		at   time.Time
		took time.Duration
	}
	index := map[*Member]int{}
	for i, m := range g.Members() {
		index[m] = i
	}
	shares = make([]int, len(g.Members()))
	now := time.Unix(1000, 0)
	var running []end
	for i := range requests {
		now = now.Add(gap)
		left := running[:0]
		for _, e := range running {
			if e.at.After(now) {
				left = append(left, e)
				continue
			}
			g.Report(e.m, Outcome{Took: e.took}, e.at)
			e.m.End()
		}
		running = left
		k := ""
		if key != nil {
			k = key(i)
		}
		w := g.Walk(k)
		m, _ := w.Next(now)
		shares[index[m]]++
		took := latency(index[m])
		running = append(running, end{m, now.Add(took), took})
	}
	return shares
}

// Under load and without, the shares are those of the weights; one that is ten times slower gets few requests.
func TestShares(t *testing.T) {
	var r *rand.Rand // begins again with each case: the order of the cases is random
	noisy := func(int) time.Duration { return time.Duration(float64(5*time.Millisecond) * (0.8 + 0.4*r.Float64())) }
	for name, p := range map[string]func() Policy{
		"round_robin": func() Policy { return &RoundRobin{} }, "least_conn": func() Policy { return &LeastConn{} },
		"p2c": func() Policy { return &TwoChoices{Random: func() float64 { return r.Float64() }} }, "hash": func() Policy { return &Hash{} }, "sticky": func() Policy { return &Sticky{&RoundRobin{}} },
	} {
		key := func(i int) string { return fmt.Sprint("key", i) }
		for load, gap := range map[string]time.Duration{"idle": time.Second, "busy": 100 * time.Microsecond} {
			r = rand.New(rand.NewPCG(1, 2))
			got := simulate(NewGroup(Options{Members: members(1, 1, 1), Policy: p()}), 30000, gap, noisy, key)
			near(t, name+" "+load, got, 1, 1, 1)
			got = simulate(NewGroup(Options{Members: members(4, 2, 1), Policy: p()}), 30000, gap, noisy, key)
			near(t, name+" "+load, got, 4, 2, 1)
		}
	}
	r = rand.New(rand.NewPCG(1, 2))
	got := simulate(NewGroup(Options{Members: members(1, 1, 1), Policy: &TwoChoices{Random: r.Float64}}), 30000, time.Millisecond, func(m int) time.Duration {
		if m == 2 {
			return 10 * noisy(m)
		}
		return noisy(m)
	}, nil)
	if got[2] > 300 { // p99 is that of the fast ones
		t.Errorf("the slow one gets %v", got)
	}
}

// One that hangs gets few requests after the first moment, and its share again when it answers again.
func TestHanging(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	g := NewGroup(Options{Members: members(1, 1, 1), Policy: &TwoChoices{Random: r.Float64}})
	hangs := true
	latency := func(m int) time.Duration {
		if m == 0 && hangs {
			return time.Minute
		}
		return 5 * time.Millisecond
	}
	if got := simulate(g, 10000, time.Millisecond, latency, nil); got[0] > 20 {
		t.Errorf("of 10,000 in ten seconds %d went to the one that hangs", got[0])
	}
	for _, m := range g.Members() { // what was under way has failed
		for m.inFlight.Load() > 0 {
			g.Report(m, Outcome{Failed: true, Cause: Timeout}, time.Unix(1010, 0))
			m.End()
		}
	}
	hangs = false
	got := simulate(g, 20000, time.Millisecond, latency, nil)
	near(t, "afterwards", got, 1, 1, 1)
}

// When an upstream goes, only its own keys move; without a key the other policy counts.
func TestHashMovesLittle(t *testing.T) {
	p := &Hash{Otherwise: &RoundRobin{}}
	g := NewGroup(Options{Members: members(1, 1, 1, 1)})
	moved := 0
	for i := range 4000 {
		key := fmt.Sprint("user", i)
		with, without := p.Pick(g.Members(), 0b1111, key, time.Time{}), p.Pick(g.Members(), 0b1011, key, time.Time{})
		if with != without {
			moved++
			if with != 2 {
				t.Fatalf("%s moved from %d to %d", key, with, without)
			}
		}
	}
	if moved < 900 || moved > 1100 {
		t.Errorf("%d of 4000 moved", moved)
	}
	if a, b := p.Pick(g.Members(), 0b11, "", time.Now()), p.Pick(g.Members(), 0b11, "", time.Now()); a == b {
		t.Error("requests without a key all go to one")
	}
}

func TestSlowStart(t *testing.T) {
	begin := time.Unix(1000, 0)
	for _, c := range []struct {
		after time.Duration
		want  float64
	}{{0, 0.4}, {time.Second, 0.4}, {15 * time.Second, 2}, {30 * time.Second, 4}, {time.Hour, 4}} {
		g := NewGroup(Options{Members: members(4, 4), SlowStart: 30 * time.Second})
		m := g.Members()[1]
		m.health.since = begin
		if got := m.weight(begin.Add(c.after)); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("after %v: weight %v, want %v", c.after, got, c.want)
		}
		p := &RoundRobin{}
		got := make([]int, 2)
		for range 10000 {
			got[p.Pick(g.Members(), 3, "", begin.Add(c.after))]++
		}
		near(t, fmt.Sprint(c.after), got, 4, c.want)
	}
}

func FuzzCookie(f *testing.F) {
	c := &Cookie{Name: "up", Path: "/", Key: []byte("key")}
	value, _, _ := strings.Cut(strings.TrimPrefix(c.Field("12345678", false), "up="), ";")
	f.Add(value)
	f.Add("x" + value[1:])
	f.Fuzz(func(t *testing.T, v string) {
		tag, ok := c.open(v)
		if ok && (len(tag) != tagSize || !strings.HasPrefix(c.Field(tag, false), "up="+v+";")) {
			t.Errorf("%q is %q", v, tag)
		}
	})
}
