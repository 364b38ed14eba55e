package upstream

import (
	"time"
)

// Outcome is how a request to one member has ended, or begun to be answered.
type Outcome struct {
	// Failed: it counts against the upstream. Cause says how, Err what happened.
	Failed bool
	Cause  Cause
	Err    error
	// Neutral: it says nothing about the upstream, such as a client that has disconnected.
	Neutral bool
	// Took is the time until the response began; 0: it is not measured.
	Took time.Duration
}

// Report accounts for the outcome of a request to m.
func (g *Group) Report(m *Member, o Outcome, now time.Time) {
	m.headed(now)
	switch {
	case o.Failed && o.Cause == Connect:
		m.counts.failures[Connect].Add(1)
		g.happened(m, refused, now, o.Cause.String(), o.Err)
	case o.Failed:
		m.counts.failures[o.Cause].Add(1)
		if o.Cause == Timeout && o.Took > 0 {
			m.latency.add(o.Took, now)
		}
		g.happened(m, failed, now, o.Cause.String(), o.Err)
	case o.Neutral:
	default:
		if o.Took > 0 {
			m.latency.add(o.Took, now)
		}
		g.happened(m, answered, now, "", nil)
	}
}

// happened passes an event to the state machine, and does what follows from it.
func (g *Group) happened(m *Member, e event, now time.Time, reason string, cause error) {
	mayEject := false
	switch e {
	case answered, checkPassed:
		m.mu.Lock()
		if e == answered && m.health.calm() {
			m.mu.Unlock()
			return
		}
		m.mu.Unlock()
	case failed, refused:
		g.ejecting.Lock()
		defer g.ejecting.Unlock()
		mayEject = g.mayEject(m, now)
	}
	m.mu.Lock()
	actions := m.health.step(&g.Limits, e, now, mayEject)
	if len(actions) > 0 && cause != nil {
		m.cause = cause.Error()
	}
	m.out.Store(m.health.outUntil())
	state, until := m.health.state(now)
	ejections, fails := m.health.ejections, m.health.fails
	m.mu.Unlock()
	for _, a := range actions {
		if a == takeBack || a == returnIt || a == markWell {
			m.latency.forget()
		}
		g.record(m, a, reason, cause, ejections, fails, until, state)
	}
}

// mayEject reports whether m may be ejected: at most half of the members are.
func (g *Group) mayEject(m *Member, now time.Time) bool {
	all, out := 0, 1
	for _, other := range g.Members() {
		if other.Down {
			continue
		}
		all++
		if other != m && other.State(now) == Ejected {
			out++
		}
	}
	return 2*out <= all
}

// record writes the record of an action.
func (g *Group) record(m *Member, a action, reason string, cause error, ejections, fails int, until time.Time, state State) {
	who := []any{"route", g.Route, "upstream", m.Name}
	switch a {
	case leaveOut:
		g.Log.Warn("upstream_ejected", append(who, "reason", "refused", "error", cause, "for", refusedFor,
			"message", "An upstream refuses connections. It is left out; where no other is left, it is asked all the same.")...)
	case eject:
		m.counts.ejections.Add(1)
		g.Log.Warn("upstream_ejected", append(who, "reason", "failures", "failures", g.MaxFails, "ejections", ejections, "for", time.Until(until).Round(time.Millisecond), "error", cause,
			"message", "Too many requests in a row have failed at an upstream. It gets none for a while.")...)
	case markSick:
		m.counts.ejections.Add(1)
		g.Log.Warn("upstream_ejected", append(who, "reason", "check", "error", cause, "message", "The checks of an upstream fail. It gets no requests until they pass again.")...)
	case keepDoubtful:
		g.Log.Warn("upstream_failing", append(who, "reason", reason, "failures", fails, "error", cause)...)
	case reportCheck:
		g.Log.Warn("upstream_check_failed", append(who, "error", cause)...)
	case takeBack:
		g.Log.Info("upstream_returned", append(who, "reason", "answered", "state", state.String())...)
	case returnIt:
		g.Log.Info("upstream_returned", append(who, "reason", "time", "state", state.String())...)
	case markWell:
		g.Log.Info("upstream_returned", append(who, "reason", "check", "state", state.String())...)
	}
}

// Info is what is known of one member.
type Info struct {
	Route, Upstream string
	// State is that of the Upstream, or "down". Cause says why, and Until is when it changes by itself; zero: it does not.
	State string
	Cause string
	Until time.Time

	Weight, MaxConns  int
	Backup            bool
	InFlight          int64
	Requests          int64
	Failures, Retries map[Cause]int64
	Ejections         int64
	Latency           time.Duration // 0: unknown
	Check             *LastCheck
}

// Infos are those of all members.
func (g *Group) Infos(now time.Time) []Info {
	members := g.Members()
	list := make([]Info, len(members))
	for i, m := range members {
		in := Info{Route: g.Route, Upstream: m.Name, Weight: m.Weight, MaxConns: m.MaxConns, Backup: m.Backup, InFlight: m.inFlight.Load(), Requests: m.counts.requests.Load(),
			Failures: map[Cause]int64{}, Retries: map[Cause]int64{}, Ejections: m.counts.ejections.Load(), Latency: time.Duration(m.latency.value() * float64(time.Second))}
		for _, c := range Causes() {
			in.Failures[c], in.Retries[c] = m.counts.failures[c].Load(), m.counts.retries[c].Load()
		}
		m.mu.Lock()
		state, until := m.health.state(now)
		in.State, in.Until, in.Check = state.String(), until, m.check
		if state != Available {
			in.Cause = m.cause
		}
		m.mu.Unlock()
		if m.Down {
			in.State, in.Cause, in.Until = "down", "", time.Time{}
		}
		list[i] = in
	}
	return list
}
