package upstream

import (
	"slices"
	"testing"
	"time"
)

// The state machine, event by event.
func TestHealth(t *testing.T) {
	limits := &Limits{MaxFails: 3, EjectTime: 30 * time.Second, Rise: 2, Fall: 2}
	begin := time.Unix(1000, 0)
	type step struct {
		at    int // seconds
		e     event
		never bool // it may not be ejected
		want  []action
		state State
	}
	for name, steps := range map[string][]step{
		"failures in a row": {
			{0, failed, false, nil, Available}, {1, failed, false, nil, Available}, {2, answered, false, nil, Available}, {3, failed, false, nil, Available},
			{4, failed, false, nil, Available}, {5, failed, false, []action{eject}, Ejected}, {6, answered, false, nil, Ejected}, {10, swept, false, nil, Ejected},
			{34, swept, false, nil, Ejected}, {35, swept, false, []action{returnIt}, Available},
			// The count begins again, and the second time is twice as long.
			{36, failed, false, nil, Available}, {37, failed, false, nil, Available}, {38, failed, false, []action{eject}, Ejected}, {97, swept, false, nil, Ejected}, {98, swept, false, []action{returnIt}, Available},
		},
		"failures before the sweep": { // they count from the end of the ejection on
			{0, failed, false, nil, Available}, {0, failed, false, nil, Available}, {0, failed, false, []action{eject}, Ejected}, {29, failed, false, nil, Ejected},
			{30, failed, false, []action{returnIt}, Available}, {30, refused, false, []action{leaveOut}, Refusing}, {31, failed, false, []action{eject}, Ejected}, {90, swept, false, nil, Ejected}, {91, swept, false, []action{returnIt}, Available},
		},
		"healthy sweeps forget": {
			{0, failed, false, nil, Available}, {0, failed, false, nil, Available}, {0, failed, false, []action{eject}, Ejected}, {30, swept, false, []action{returnIt}, Available},
			{40, swept, false, nil, Available}, {41, failed, false, nil, Available}, {41, failed, false, nil, Available}, {41, failed, false, []action{eject}, Ejected}, {71, swept, false, []action{returnIt}, Available},
		},
		"too many are ejected": {
			{0, failed, true, nil, Available}, {0, failed, true, nil, Available}, {0, failed, true, []action{keepDoubtful}, Available}, {0, failed, true, nil, Available}, {1, failed, false, []action{eject}, Ejected},
		},
		"refused connections": {
			{0, refused, false, []action{leaveOut}, Refusing}, {5, refused, false, nil, Refusing}, {15, answered, false, []action{takeBack}, Available},
			{16, refused, false, []action{leaveOut}, Refusing}, {17, checkPassed, false, []action{takeBack}, Available},
		},
		"checks": {
			{0, checkFailed, false, []action{reportCheck}, Available}, {1, checkPassed, false, nil, Available}, {2, checkFailed, false, []action{reportCheck}, Available},
			{3, checkFailed, false, []action{markSick}, Unhealthy}, {4, checkFailed, false, nil, Unhealthy}, {5, answered, false, nil, Unhealthy}, {6, checkPassed, false, nil, Unhealthy},
			{7, checkFailed, false, nil, Unhealthy}, {8, checkPassed, false, nil, Unhealthy}, {9, checkPassed, false, []action{markWell}, Available},
		},
	} {
		var h health
		for i, s := range steps {
			now := begin.Add(time.Duration(s.at) * time.Second)
			got := h.step(limits, s.e, now, !s.never)
			if state, _ := h.state(now); !slices.Equal(got, s.want) || state != s.state {
				t.Errorf("%s, step %d: %v and %v, want %v and %v", name, i, got, state, s.want, s.state)
			}
			if out := h.outUntil() > now.UnixNano(); out != (s.state != Available) {
				t.Errorf("%s, step %d: out %v", name, i, out)
			}
		}
	}
	h := health{ejections: 40}
	for range 3 {
		h.step(limits, failed, begin, true)
	}
	if d := h.ejected.Sub(begin); d != maxEject {
		t.Errorf("ejected for %v", d)
	}
}

// Retries are a part of the requests, and a few are always allowed.
func TestBudget(t *testing.T) {
	b := &budget{percent: 20}
	now := time.Unix(1000, 0)
	spend := func(n int) (allowed int) {
		for range n {
			if b.spend(now) {
				allowed++
			}
		}
		return allowed
	}
	b.sweep(now)
	b.requests.Add(1000)
	if n := spend(1000); n != 230 {
		t.Errorf("%d of 1000", n)
	}
	now = now.Add(budgetPeriod) // the last period still counts, with its retries
	if n := spend(100); n != 0 {
		t.Errorf("%d right after it", n)
	}
	b.requests.Add(500)
	if n := spend(1000); n != 100 {
		t.Errorf("%d of 500 more", n)
	}
	now = now.Add(time.Hour)
	if n := spend(100); n != freeRetries {
		t.Errorf("%d after a pause", n)
	}
	if none := (&budget{}); none.spend(now) {
		t.Error("0 percent allows one")
	}
}

// The slow first response of a process that has just started, and one slow response among many, do not put an upstream off.
func TestLatency(t *testing.T) {
	var l latency
	now := time.Unix(1000, 0)
	add := func(n int, took time.Duration) {
		for range n {
			now = now.Add(10 * time.Millisecond)
			l.add(took, now)
		}
	}
	add(1, time.Second)
	if l.value() != 0 {
		t.Error("one response is enough")
	}
	add(20, 10*time.Millisecond)
	if v := l.value(); v < 0.0099 || v > 0.0101 {
		t.Errorf("%v after a slow start", v)
	}
	add(1, 500*time.Millisecond)
	if v := l.value(); v > 0.0151 {
		t.Errorf("%v after one slow response", v)
	}
	add(300, 100*time.Millisecond)
	if v := l.value(); v < 0.09 {
		t.Errorf("%v after many slow ones", v)
	}
	if e := l.excess(0.01, now); e < 0.08 || l.excess(0.01, now.Add(time.Minute)) > 0.001 {
		t.Errorf("excess %v, %v", e, l.excess(0.01, now.Add(time.Minute)))
	}
	if l.forget(); l.value() != 0 {
		t.Error("it is not forgotten")
	}
}
