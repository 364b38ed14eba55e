package supervisor

import (
	"time"

	"github.com/standpipe/standpipe/supervisor/process"
)

// life drives the machine of one process: it turns channels and timers into events, and carries out actions. A worker and a
// template each have one; subject has the parts in which they differ.
type life struct {
	inc     *process.Incarnation
	machine machine
	subject subject
	inputs  *inputs
	timers  timers
	kill    <-chan struct{} // inputs.kill; nil: it was closed

	looks  process.Looks // at the boot, now and then
	began  time.Time
	broken bool      // ConnEnded was received
	told   time.Time // when it was told to leave
	stacks [2]string // by stacksOf
}

// subject is the worker or the template that lives.
type subject interface {
	// view returns the view of the machine; life fills in the time.
	view() view
	// entered is called with each new state.
	entered(State)
	// perform carries out an action that life does not know, and returns the event that follows from it; nil: none.
	perform(action) event
	// report reports a process that is not ready yet, or that has not ended.
	report(WorkerWaits)
}

// inputs are what other goroutines want of a process. Only kill is ever closed.
type inputs struct {
	retire  chan Reason      // capacity 4
	expired chan expiry      // as many as it may run: the first one retires the worker
	size    chan tooLarge    // capacity 1
	debug   chan struct{}    // capacity 1: a debugger in it has ended
	freed   chan struct{}    // capacity 1: no request runs in a worker that leaves, or only requests without a client
	warmed  chan error       // capacity 1
	broken  chan error       // capacity 1: a template did not answer
	dumps   chan chan string // a person wants its stacks
	kill    chan struct{}    // closed by Pool.Kill
}

func newInputs(requests int) *inputs {
	return &inputs{
		retire: make(chan Reason, 4), expired: make(chan expiry, requests), size: make(chan tooLarge, 1), debug: make(chan struct{}, 1), freed: make(chan struct{}, 1),
		warmed: make(chan error, 1), broken: make(chan error, 1), dumps: make(chan chan string), kill: make(chan struct{}),
	}
}

// run returns when the process was reaped.
func (l *life) run() process.Exit {
	l.kill = l.inputs.kill
	defer l.timers.stop()
	l.do(l.machine.rules.begin())
	for {
		switch e := l.next().(type) {
		case exited:
			return e.Exit
		case dumpAsked:
			e.answer <- l.inc.Stacks(nil, time.Second) // a person waits
		default:
			l.feed(e)
		}
	}
}

// feed gives an event to the machine and carries out what follows from it.
func (l *life) feed(e event) {
	for todo := []event{e}; len(todo) > 0; todo = todo[1:] {
		v := l.subject.view()
		v.now = time.Now()
		was := l.machine.state
		actions := l.machine.step(v, todo[0])
		if s := l.machine.state; s != was {
			l.subject.entered(s)
		}
		todo = append(todo, l.do(actions)...)
	}
}

// do carries out actions, and returns the events that follow.
func (l *life) do(actions []action) (follow []event) {
	for _, a := range actions {
		if e := l.perform(a); e != nil {
			follow = append(follow, e)
		}
	}
	return follow
}

// next waits for the next event.
func (l *life) next() event {
	for {
		select {
		case e := <-l.inc.Exited:
			return exited{e}
		case h := <-l.inc.Hello:
			return greeted{h}
		case r := <-l.inc.Ready:
			return importDone{r}
		case f := <-l.inc.Failed:
			return bootRefused{f}
		case err := <-l.inc.ConnEnded:
			l.broken = true
			return pipesBroken{err}
		case err := <-l.inputs.broken:
			return pipesBroken{err}
		case err := <-l.inputs.warmed:
			return warmupDone{err}
		case x := <-l.inputs.expired:
			return x
		case s := <-l.inputs.size:
			return s
		case <-l.inputs.debug:
			return debugOver{}
		case <-l.inputs.freed:
			return freed{}
		case r := <-l.inputs.retire:
			return retire{r}
		case answer := <-l.inputs.dumps:
			return dumpAsked{answer}
		case <-l.kill:
			l.kill = nil
			return killOrder{}
		case now := <-l.timers.wait(time.Now()):
			t, ok := l.timers.due(now)
			if ok && t == deathTimer && l.inc.Child.HasEnded() { // what is left of its group takes a moment to end
				l.timers.arm(t, now, l.machine.rules.deathSoon)
			} else if ok {
				return l.ofTimer(t)
			}
		}
	}
}

// ofTimer is the event of a timer.
func (l *life) ofTimer(t timer) event {
	switch t {
	case bootTimer:
		return bootOverdue{l.looks.Before(l.machine.rules.bootTimeout)}
	case bootTickTimer:
		return bootTicked{}
	case ageTimer:
		return aged{}
	case deathTimer:
		return stillAlive{}
	case lingerTimer:
		return lingered{}
	}
	return stepDue{}
}

// perform carries out one action.
func (l *life) perform(a action) event {
	switch a := a.(type) {
	case arm:
		l.timers.arm(a.timer, time.Now(), a.after)
	case disarm:
		l.timers.disarm(a.timer)
	case closeRequests:
		l.inc.Conn.CloseRequests()
	case terminate:
		l.inc.Terminate()
	case kill:
		l.inc.Kill()
	case takeStacks:
		if a.doomed {
			l.inc.Doom()
		}
		if l.stacks[a.of] == "" {
			l.stacks[a.of] = l.inc.Stacks(nil, askLimit)
		}
	case reportBoot:
		l.report(time.Since(l.began), l.looks.Add(l.inc.Stacks(nil, askLimit)))
	case reportLinger:
		l.report(time.Since(l.told), l.inc.ControlStacks(nil, time.Second))
	case sendStop:
		l.told = time.Now()
		return l.subject.perform(a)
	default:
		return l.subject.perform(a)
	}
	return nil
}

// awaitLastFrames lets the frames arrive that a process wrote before its exit.
func (l *life) awaitLastFrames() {
	if !l.broken {
		l.inc.AwaitLastFrames()
	}
}

// report reports a process that is not ready yet, or that has not ended.
func (l *life) report(since time.Duration, stacks string) {
	l.subject.report(WorkerWaits{State: l.machine.state, Since: since.Round(time.Second), Stacks: stacks})
}

// askLimit is how long the control thread of a worker may take to answer with stacks.
const askLimit = 300 * time.Millisecond
