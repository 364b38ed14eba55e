package supervisor

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// end closes what is left of a process that was reaped and whose group is dead, and reports the exit.
func (w *Worker) end(l *life, exit process.Exit) {
	m := &l.machine
	l.awaitLastFrames()
	if err := w.conn.Err(); m.reason == None && errors.As(err, new(*wire.ProtocolError)) {
		m.reason, m.err = ProtocolError, err // whatever ended it then
	}
	exit.OOM = w.oomHappened(exit, w.inc.Killed())
	fate := fateOf(m, exit, w.conn.Err())
	w.conn.SetFate(fate)
	w.inc.AwaitLastOutput(lastOutput(w.core))
	stacks, stuck := l.stacks[lastStacks], l.stacks[bootStacks]
	if exit.Crashed() {
		stacks = w.inc.Crash()
		stuck = cmp.Or(stuck, stacks)
	}
	w.inc.Finish()

	died := m.state
	w.state.Store(int32(Exited))
	if !m.served && m.failed == nil {
		if m.failed = w.inc.LastFailed(); m.failed != nil && m.reason == None { // waitpid was faster than its last frame
			m.reason = BootFailed
		}
	}
	w.outside = m.failed == nil && m.reason == None && exit.FromOutside(w.inc.Ours())
	if !m.served {
		w.bootFailed(BootFailure{Who: w.who, Failed: m.failed, Err: bootError(m, exit), Stacks: stuck, Output: w.inc.BootOutput(), Outside: w.outside})
		m.err = nil // reported
	}
	record := WorkerExit{
		Who: w.who, State: died, Reason: m.reason, Exit: exit,
		Ours: exit.Signal > 0 && w.inc.Ours(), Up: time.Since(w.started).Round(time.Millisecond),
		Served: w.counted(m.reason, exit), InFlight: w.conn.InFlight(), Err: m.err, Fate: fate,
		RSS: w.rss.Load(), Stacks: stacks,
	}
	if w.gen.MaxRSS > 0 && record.RSS > 0 {
		record.Limit = w.gen.MaxRSS
		record.Growth, record.Grew = w.growth.most(record.RSS)
	}
	w.emit(record)
}

// counted counts the exit, and returns how many requests the worker has served.
func (w *Worker) counted(why Reason, e process.Exit) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count.Exits == nil {
		w.count.Exits = map[ExitKind]int64{}
	}
	w.count.Exits[ExitKind{e.Cause(), why.String()}]++
	return w.served
}

// bootFailed ends the boot, and reports why it failed.
func (w *Worker) bootFailed(e BootFailure) {
	how := bootFailed
	if errors.Is(e.Err, errStopped) {
		how = bootLeft
	}
	pause, tell := w.boots.ended(w.gen, w.boot, how, e)
	if e.Retry = pause; tell {
		w.emit(e)
	}
}

// errStopped means that the worker was not wanted any more.
var errStopped = errors.New("stopped while it was starting")

// bootError says why a process that was never ready ended.
func bootError(m *machine, e process.Exit) error {
	switch {
	case m.failed != nil:
		return m.failed
	case m.reason.ends(), m.reason.finishes():
		return errStopped
	case m.err != nil:
		return m.err
	case e.Signal > 0:
		return fmt.Errorf("%s was ended by signal %d (%s) before the app was loaded", m.rules.program, e.Signal, e.SignalName)
	}
	return fmt.Errorf("%s ended with status %d before the app was loaded", m.rules.program, e.Code)
}

// fateOf says whether the process itself caused its death: then whatever it ran may have caused it, and is not run again.
func fateOf(m *machine, e process.Exit, conn error) shim.Fate {
	f := shim.Fate{ByItself: true}
	switch {
	case m.reason == HardRSS:
		f.Why = "the worker was larger than hard_rss"
	case m.reason == ProtocolError || errors.As(conn, new(*wire.ProtocolError)):
		f.Why = "the worker broke the protocol"
	case e.OOM:
		f.Why = "the kernel killed the worker for lack of memory"
	case m.reason == RequestTimeout:
		f.ByItself, f.Why = false, "the worker was stopped for another request's timeout"
	case m.reason != None:
		f.ByItself, f.Why = false, "the worker was stopped: "+m.reason.String()
	case e.Signal == 0:
		f.Why = fmt.Sprintf("the worker ended by itself with status %d", e.Code)
	case e.Crashed():
		f.Why = "the worker crashed: " + e.SignalName
	default:
		f.ByItself, f.Why = false, "the worker was killed from outside: "+e.SignalName
	}
	return f
}
