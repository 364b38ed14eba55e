package supervisor

import (
	"fmt"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// run starts the process, and returns when it was reaped and all its goroutines have ended.
func (t *template) run() {
	defer close(t.gone)
	if err := t.spawn(); err != nil {
		t.home.forget(t)
		t.failure = &templateFailure{err: err}
		close(t.up)
		return
	}
	t.emit(TemplateStarted{t.who})
	t.inc.Run()
	l := life{inc: t.inc, subject: t, inputs: t.inputs, began: t.started, machine: machine{rules: t.gen.rules(t.program, "the template")}}
	l.machine.rules.warms, l.machine.rules.killsBoot, l.machine.rules.deathSoon = false, true, workerDeath
	t.end(&l, l.run())
}

// spawn starts the process.
func (t *template) spawn() error {
	c, err := t.gen.Command()
	if err != nil {
		return err
	}
	t.program, t.leaf = c.Args[0], c.Cgroup
	c.Args = t.who.titled(c.Args)
	t.gen.runsIn(t.core, c)
	c.Env = append(append([]string(nil), c.Env...), "STANDPIPE_TEMPLATE=1", fmt.Sprintf("STANDPIPE_GENERATION=%d", t.gen.number))
	child, err := t.gen.Spawner.Spawn(c)
	if err != nil {
		return err
	}
	forker, err := process.NewForker(child.Ends.Control, c)
	if err != nil {
		child.Discard()
		return err
	}
	ends := child.Ends
	ends.Control = nil // the forker's
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forker = forker
	t.inc = process.NewIncarnation(t.who.Worker, child, ends, "", process.Hooks{
		Printed: func(_, level, text string) { t.emit(Output{Who: t.who, Level: level, Text: text}) },
		Logged:  func(_ *shim.Label, r *wire.LogRecord) { t.emit(ShimLog{t.who, nil, r}) },
	})
	t.who.Pid = child.Pid()
	return nil
}

// The methods of subject, on the goroutine of run.

func (t *template) view() view {
	t.mu.Lock()
	defer t.mu.Unlock()
	return stopView(t.core, t.gen.TermGrace)
}

func (t *template) entered(State) {}

func (t *template) report(waits WorkerWaits) {
	waits.Who = t.who
	t.emit(waits)
}

func (t *template) perform(a action) event {
	switch a := a.(type) {
	case greet:
		t.inc.Greeted(&wire.Hello{Stacks: a.hello.Stacks}) // it has no control socket: that is the forker's
	case sendBoot:
		m := t.gen.bootMessage(t.core)
		m.Generation = t.gen.number
		if err := t.inc.Conn.Boot(&m); err != nil {
			return pipesBroken{err}
		}
	case serve:
		t.mu.Lock()
		t.isUp = true
		t.mu.Unlock()
		t.emit(TemplateReady{t.who, a.ready, time.Since(t.started)})
		close(t.up)
	case withdraw:
		return withdrawn{}
	case sendStop:
		t.forker.Close()
	}
	return nil
}

// end closes what is left of a process that was reaped, and reports the exit.
func (t *template) end(l *life, exit process.Exit) {
	m := &l.machine
	t.outside = m.reason == None && exit.FromOutside(t.inc.Killed())
	t.home.forget(t)
	t.forker.Close() // an order that waits for its answer gets process.ErrNoTemplate
	l.awaitLastFrames()
	t.inc.AwaitLastOutput(lastOutput(t.core))
	t.inc.Finish()
	if !m.served {
		if last := t.inc.LastFailed(); last != nil { // waitpid was faster than its last frame
			m.failed = last
		}
		if m.failed != nil {
			m.reason = BootFailed
		}
		t.failure = &templateFailure{
			failed: m.failed, err: bootError(m, exit), stacks: l.stacks[bootStacks], output: t.inc.BootOutput(),
			outside: m.failed == nil && m.reason == None && exit.FromOutside(t.inc.Killed()),
		}
		close(t.up)
	}
	t.mu.Lock()
	forks := t.forks
	t.mu.Unlock()
	t.emit(TemplateExit{
		Who: t.who, Reason: m.reason, Exit: exit, Ours: exit.Signal > 0 && t.inc.Killed(),
		Up: time.Since(t.started).Round(time.Millisecond), Forks: forks, Err: m.err,
	})
}
