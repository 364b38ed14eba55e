package upgrade

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Attempt is an upgrade in progress.
type Attempt struct {
	Pid int

	cmd    *exec.Cmd
	say    *os.File
	done   chan error
	lines  chan string
	state  *os.ProcessState // valid after exited; nil: unknown
	exited chan struct{}    // closed when the process has been waited for
	abort  chan struct{}
	once   sync.Once
	said   string // the sentence of "failed"; only run uses it
	output tail

	keeping sync.WaitGroup // the secrets are written
}

// Failed is why an upgrade has failed; the old process continues to serve.
type Failed struct {
	Pid int
	// Why it failed; Said is the new process's own sentence, Output the end of its output before
	// it had the handshake; both may be empty.
	Why, Said, Output string
}

func (e *Failed) Error() string {
	if e.Said != "" {
		return e.Why + ": " + e.Said
	}
	return e.Why
}

// ErrAborted: Abort was called.
var ErrAborted = errors.New("the upgrade was cancelled")

// run waits until the new process is ready, has ended, or has taken too long.
func (a *Attempt) run(limit time.Duration) {
	var late <-chan time.Time
	if limit > 0 {
		t := time.NewTimer(limit)
		defer t.Stop()
		late = t.C
	}
	lines := a.lines
	for {
		select {
		case line, ok := <-lines:
			switch {
			case !ok:
				lines = nil // it has ended, or it does not know the protocol and will fail to bind
			case line == "ready":
				a.done <- nil
				return
			default:
				a.hear(line)
			}
		case <-a.exited:
			a.done <- a.failed("it exited before it was ready")
			return
		case <-late:
			a.end()
			a.done <- a.failed(fmt.Sprintf("it was not ready within %v", limit.Round(time.Second)))
			return
		case <-a.abort:
			a.end()
			closeAll(a.say)
			a.done <- ErrAborted
			return
		}
	}
}

func (a *Attempt) hear(line string) {
	if sentence, ok := strings.CutPrefix(line, "failed "); ok {
		a.said = sentence
	}
}

// failed makes the error of a process that has ended.
func (a *Attempt) failed(why string) error {
	for {
		select {
		case line, ok := <-a.lines:
			if ok {
				a.hear(line)
				continue
			}
		case <-time.After(5 * time.Second): // a child of its own holds the pipe
		}
		break
	}
	if a.state != nil {
		why += " (" + a.state.String() + ")"
	}
	closeAll(a.say)
	return &Failed{Pid: a.Pid, Why: why, Said: a.said, Output: a.output.String()}
}

// endGrace is how long a new process may take to stop its workers when the upgrade is
// cancelled.
const endGrace = 8 * time.Second

// end ends the new process and waits for it.
func (a *Attempt) end() {
	_ = a.say.SetWriteDeadline(time.Now().Add(time.Second)) // it may read nothing any more
	_, _ = io.WriteString(a.say, "stop\n")
	_ = a.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-a.exited:
	case <-time.After(endGrace):
		_ = a.cmd.Process.Kill()
		<-a.exited
	}
}

// Done receives once: nil if the new process is ready and waits for TakeOver, else a *Failed
// or ErrAborted. After an error the new process has ended.
func (a *Attempt) Done() <-chan error {
	if a == nil {
		return nil
	}
	return a.done
}

// Abort ends the new process, if it has not taken over.
func (a *Attempt) Abort() { a.once.Do(func() { close(a.abort) }) }

// Drop ends a process that is ready, so that it does not take over.
func (a *Attempt) Drop() { a.end(); closeAll(a.say) }

// takeLimit is how long a ready process may need to take over.
const takeLimit = 10 * time.Second

// TakeOver lets a ready process accept connections. The error is a *Failed, and the process
// has ended then.
func (a *Attempt) TakeOver() error {
	a.keeping.Wait() // it is ready, so it has read them
	_ = a.say.SetWriteDeadline(time.Time{})
	_, _ = io.WriteString(a.say, "go\n") // if that fails, "taken" does not come
	late := time.After(takeLimit)
	for {
		select {
		case line, ok := <-a.lines:
			switch {
			case line == "taken":
				return nil
			case ok:
				a.hear(line)
				continue
			}
			_ = a.cmd.Process.Kill() // it has closed the pipe, so it is about to exit
			<-a.exited
			return a.failed("it exited while it was taking over")
		case <-late:
			_ = a.cmd.Process.Kill()
			<-a.exited
			return a.failed(fmt.Sprintf("it did not take over within %v", takeLimit))
		}
	}
}

// Finish lets the new process notify the service manager.
func (a *Attempt) Finish() { closeAll(a.say) }
