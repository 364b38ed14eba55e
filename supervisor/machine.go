package supervisor

import (
	"errors"
	"fmt"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// machine is the life of one process, a worker or a template, as a pure state machine: step takes an event and returns the
// actions that follow. It starts no goroutine, reads no clock and sends nothing; life does that.
type machine struct {
	rules rules

	state  State
	reason Reason       // why the process was asked to leave; None: it was not
	err    error        // why it left, or why it was late
	failed *wire.Failed // its message when it could not boot
	ready  *wire.Ready  // its Ready; a warmup may follow
	served bool         // it took requests once (a template: orders)

	escalation escalation
	announced  bool      // the slot knows that it takes no new request
	given      time.Time // until then an interrupted request may end by itself
	drained    time.Time // until then the other requests of a draining worker may run
	lingering  bool      // it was told to leave, and is reported while it does not end
	suspicion  *suspicion
}

// rules are the settings of a machine.
type rules struct {
	program string // in messages
	what    string // "the worker" or "the template", in messages
	hash    string // that Hello must name; empty: any
	warms   bool   // a warmup follows Ready

	bootTimeout, bootTick      time.Duration // 0: none
	lifetime                   time.Duration // 0: no limit
	drainLimit                 time.Duration // 0: no limit
	drainGrace, interruptGrace time.Duration
	termGrace                  time.Duration
	// deathSoon is how long waitpid may take after the pipes of a process have ended.
	deathSoon time.Duration
	// killsBoot: a boot that fails is killed at once, without Stop and SIGTERM. A template has nothing to finish.
	killsBoot bool
}

// suspicion is what a broken pipe looks like if the process does not turn out to be dead.
type suspicion struct {
	reason Reason
	err    error
}

// view is the state outside the machine at the time of a step.
type view struct {
	now              time.Time
	inFlight, wanted int       // requests that it runs, and those that a client still waits for
	debugging        bool      // a debugger is open in it: no time passes
	stopping         bool      // the pool stops
	stopEnd          time.Time // when SIGTERM is due in a pool that stops; zero: there is no limit
}

// step takes one event.
func (m *machine) step(v view, e event) []action {
	var do []action
	switch e := e.(type) {
	case greeted:
		do = m.greeted(e)
	case importDone:
		do = m.imported(e)
	case warmupDone:
		do = m.warmedUp(e)
	case bootRefused:
		do = m.bootRefused(e)
	case bootOverdue:
		do = e.follow(m, v)
	case bootTicked:
		do = e.follow(m, v)
	case pipesBroken:
		do = m.pipesBroken(e)
	case stillAlive:
		if s := m.suspicion; s != nil && m.reason == None {
			do = m.fail(s.reason, s.err)
		}
	case expiry:
		do = []action{reportExpired{e}, interrupt{e}}
	case interrupted:
		do = m.interrupted(v, e)
	case aged:
		do = []action{replaceMe{MaxLifetime}}
	case tooLarge:
		do = m.tooLarge(e)
	case lingered:
		do = e.follow(m)
	case retire:
		do = m.retire(v, e.reason)
	case debugOver:
		do = e.follow(m, v)
	case withdrawn:
		do = m.withdrawn(v)
	case freed:
		do = m.freed(v)
	case killOrder:
		do = m.killOrdered()
	case stepDue:
		do = m.stepDue(v)
	}
	if m.served && !m.announced && m.state > Serving {
		m.announced = true
		do = append(do, announce{m.reason})
	}
	return do
}

// enter changes the state.
func (m *machine) enter(s State) {
	if s == m.state {
		return
	}
	if !m.state.mayFollow(s) {
		panic(fmt.Sprintf("supervisor: %s: from %v to %v", m.rules.program, m.state, s))
	}
	m.state = s
}

// begin returns the actions at the start of the process.
func (r *rules) begin() []action {
	return []action{arm{bootTimer, r.bootTimeout}, arm{bootTickTimer, r.bootTick}}
}

func (e bootOverdue) follow(m *machine, v view) []action {
	if v.debugging {
		return nil
	}
	m.err = &process.BootTimeoutError{Limit: m.rules.bootTimeout, Earlier: e.earlier}
	return append([]action{takeStacks{of: bootStacks}}, m.fail(BootTimeout, m.err)...)
}

func (bootTicked) follow(m *machine, v view) []action {
	again := []action{arm{bootTickTimer, m.rules.bootTick}}
	if v.debugging {
		return again
	}
	return append(again, reportBoot{})
}

func (lingered) follow(m *machine) []action {
	if m.state != Stopping {
		return nil
	}
	return []action{arm{lingerTimer, m.rules.bootTick}, reportLinger{}}
}

func (m *machine) greeted(e greeted) []action {
	if m.state != Starting {
		return nil
	}
	if want := m.rules.hash; want != "" && e.hello.Hash != want {
		return m.fail(ProtocolError, fmt.Errorf("%s runs another shim: its hash is %.64q, not %s", m.rules.program, e.hello.Hash, want))
	}
	m.enter(Booting)
	return []action{greet(e), sendBoot{}}
}

func (m *machine) imported(e importDone) []action {
	if m.state != Booting || m.ready != nil {
		return nil
	}
	m.ready = e.ready
	if m.rules.warms {
		return []action{warmUp{}}
	}
	return m.warmedUp(warmupDone{})
}

func (m *machine) warmedUp(e warmupDone) []action {
	if m.state != Booting {
		return nil
	}
	if e.err != nil {
		m.err = fmt.Errorf("warmup: %w", e.err)
		if errors.Is(e.err, shim.ErrWorkerGone) || errors.Is(e.err, shim.ErrNotStarted) {
			return m.suspect(BootFailed, m.err)
		}
		return m.fail(BootFailed, m.err)
	}
	m.served = true
	m.enter(Serving)
	return []action{disarm{bootTimer}, disarm{bootTickTimer}, arm{ageTimer, m.rules.lifetime}, serve{m.ready}}
}

// bootRefused: the process said that it cannot boot.
func (m *machine) bootRefused(e bootRefused) []action {
	if m.state >= Serving || m.reason != None {
		return nil
	}
	m.failed = e.failed
	if !m.rules.killsBoot {
		return m.fail(BootFailed, nil)
	}
	m.reason = BootFailed // it ends by itself; it is killed when it does not
	m.enter(Stopping)
	m.escalation = terminated
	return []action{disarm{bootTimer}, disarm{bootTickTimer}, m.escalation.step(m.rules.termGrace)}
}

// pipesBroken: the connection has ended, or a message could not be written. That nearly always is a death.
func (m *machine) pipesBroken(e pipesBroken) []action {
	if m.reason == None && errors.As(e.err, new(*wire.ProtocolError)) {
		return m.fail(ProtocolError, e.err) // the cause, whatever the process does now that its pipes are closed
	}
	return m.suspect(ProtocolError, e.err)
}

// suspect waits a moment for the exit.
func (m *machine) suspect(r Reason, err error) []action {
	if m.suspicion != nil {
		return nil
	}
	m.suspicion = &suspicion{r, err}
	return []action{arm{deathTimer, m.rules.deathSoon}}
}

// interrupted: the app's work for a request was interrupted, and its client has an answer or has left.
func (m *machine) interrupted(v view, e interrupted) []action {
	m.given = v.now.Add(m.rules.interruptGrace)
	switch m.state {
	case Serving:
		m.enter(Draining)
		if m.reason = ClientGone; e.cause == shim.TimeOver {
			m.reason = RequestTimeout
		}
		m.drained = v.now.Add(m.rules.drainGrace)
		if m.reason == ClientGone { // the clients of the other requests still wait
			m.drained = m.rules.drainEnd(v.now)
		}
		return []action{withdraw{}}
	case Draining:
		return m.drain(v)
	}
	return nil
}

func (m *machine) tooLarge(e tooLarge) []action {
	if m.state < Serving || m.state >= Killing {
		return nil
	}
	m.reason = HardRSS
	m.err = fmt.Errorf("its resident size of %d MiB is more than hard_rss, %d MiB", e.size>>20, e.limit>>20)
	return append([]action{takeStacks{of: lastStacks}, withdraw{}}, m.kill()...)
}

// retire: the process is to leave for this reason.
func (m *machine) retire(v view, r Reason) []action {
	switch {
	case m.state < Serving:
		return m.fail(r, nil)
	case m.state == Serving && r.finishes():
		m.reason = r
		m.enter(Draining)
		m.drained = m.rules.drainEnd(v.now)
		return []action{withdraw{}}
	case m.state == Serving:
		m.reason = r
		m.enter(Draining)
		return m.stop()
	case m.state == Draining && !r.finishes():
		return m.stop()
	case m.state == Stopping && !m.served && m.rules.killsBoot:
		return m.kill()
	case m.state == Stopping && r.ends() && m.escalation < terminated: // it had more time than the stop has
		return m.exitHooks(v)
	}
	return nil
}

// withdrawn: the process gets no new request; v counts those that it still runs.
func (m *machine) withdrawn(v view) []action {
	switch {
	case m.state == Draining:
		return m.drain(v)
	case m.state != Stopping || m.escalation != asked:
		return nil
	case v.inFlight > 0: // freed closes the requests: credit and body are needed until then
		return m.escalation.terminate(m.rules.termGrace)
	}
	return append([]action{closeRequests{}}, m.exitHooks(v)...)
}

// freed: a request has ended at a process that gets no new ones.
func (m *machine) freed(v view) []action {
	switch m.state {
	case Draining:
		return m.drain(v)
	case Stopping:
		do := []action{closeRequests{}}
		if v.inFlight == 0 {
			do = append(do, m.exitHooks(v)...)
		}
		return do
	}
	return nil
}

func (m *machine) killOrdered() []action {
	if m.reason == None {
		m.reason = Shutdown
	}
	return append([]action{disarm{bootTimer}, disarm{bootTickTimer}}, m.kill()...)
}

// kill is SIGKILL.
func (m *machine) kill() []action {
	if m.state < Killing {
		m.enter(Killing)
	}
	return m.escalation.kill()
}
