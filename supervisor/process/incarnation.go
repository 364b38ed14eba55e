package process

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/output"
)

const (
	lastFrames = 500 * time.Millisecond // how long the last frames of a process that has ended may take
	dumpWait   = 2 * time.Second        // how long faulthandler may take
	crashWait  = time.Second            // how long the stacks of a process that crashed may take
	purgeWait  = 10 * time.Second       // how long the stores of the HTTP cache may take for what the app removes
)

// Incarnation is one child process that speaks the worker protocol, from its start until it is reaped: a worker, or a template.
// It reads the pipes of the process, sends signals to it, and knows which of them were sent. It decides nothing.
type Incarnation struct {
	Child *Child
	Conn  *shim.Conn

	// What the process says, each at most once.
	Hello  chan *wire.Hello  // capacity 1
	Ready  chan *wire.Ready  // capacity 1
	Failed chan *wire.Failed // capacity 1
	// ConnEnded gets the result of Conn.Run, Exited that of Wait.
	ConnEnded chan error // capacity 1
	Exited    chan Exit  // capacity 1

	tag        string
	hooks      Hooks
	stacks     *output.Stacks
	running    sync.WaitGroup
	outputDone chan struct{}
	stacksDone chan struct{} // closed when all that faulthandler wrote is in stacks

	// Written by the goroutine that owns the incarnation.
	control    bool // the process reads file descriptor 3
	canDump    bool // SIGUSR2 writes stacks; without that handler it would kill
	terminated bool // we sent SIGTERM
	killed     bool // we sent SIGKILL

	mu     sync.Mutex
	booted bool
	tail   output.Tail // output before it was ready
	crash  output.Tail // output from "Fatal Python error" on
}

// Hooks say who hears what a process prints and logs, and about its requests.
type Hooks struct {
	// Printed gets the records of its output (package output).
	Printed func(id, level, text string)
	// Logged gets the records of the shim; the label is nil when a record is about no request.
	Logged func(*shim.Label, *wire.LogRecord)
	// Requests hears about its requests; nil: it serves none.
	Requests Requests
	// Debug lends the terminal to a debugger in the app, as shim.Owner says; nil: there is none.
	Debug func(shim.Debugging, func(device string, refused error)) (end func())
	// Purge removes entries of the HTTP cache for the app, and returns how many; nil: there is no cache.
	Purge func(context.Context, *wire.Purge) (int, error)
}

// Requests is the part of a shim.Owner that is about requests.
type Requests interface {
	Freed(*shim.Exchange, shim.Outcome)
	Expired(*shim.Exchange, shim.Cause, string)
	Stuck(int)
}

// NewIncarnation takes over a child that was just started. tag is the secret of the tags in its output; empty: it writes none.
// ends are those of the child that the connection may use. Run must be called, then Finish.
func NewIncarnation(name string, child *Child, ends shim.Ends, tag string, hooks Hooks) *Incarnation {
	i := &Incarnation{
		Child: child, tag: tag, hooks: hooks, stacks: output.NewStacks(), outputDone: make(chan struct{}), stacksDone: make(chan struct{}),
		Hello: make(chan *wire.Hello, 1), Ready: make(chan *wire.Ready, 1), Failed: make(chan *wire.Failed, 1),
		ConnEnded: make(chan error, 1), Exited: make(chan Exit, 1),
	}
	i.Conn = shim.NewConn(name, ends, connOwner{i})
	return i
}

// Run starts the goroutines that read from the process and wait for it. They end when the process has ended, by Finish at the
// latest.
func (i *Incarnation) Run() {
	i.running.Go(func() { i.ConnEnded <- i.Conn.Run() })
	i.running.Go(func() { i.Exited <- i.Child.Wait() })
	i.running.Go(func() {
		defer close(i.outputDone)
		output.Read(i.Child.Output, i.tag, func() string { return i.Conn.Sole(output.SoleFor) }, i.print)
	})
	if i.Child.Stacks == nil {
		close(i.stacksDone)
		return
	}
	i.running.Go(func() {
		defer close(i.stacksDone)
		i.stacks.Follow(i.Child.Stacks)
	})
}

// Greeted takes from Hello how the process can be asked for its stacks.
func (i *Incarnation) Greeted(h *wire.Hello) { i.control, i.canDump = h.Control, h.Stacks }

// Booted ends the collection of output for BootOutput.
func (i *Incarnation) Booted() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.booted = true
}

// BootOutput returns the last output before Booted.
func (i *Incarnation) BootOutput() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.tail.String()
}

// Terminate sends SIGTERM to the group of the process.
func (i *Incarnation) Terminate() {
	i.terminated = true
	_ = i.Child.Signal(Terminate)
}

// Doom notes that the process is about to be killed: whatever signal ends it from now on is ours.
func (i *Incarnation) Doom() { i.killed = true }

// Kill sends SIGKILL to the group of the process.
func (i *Incarnation) Kill() {
	i.killed = true
	_ = i.Child.Signal(Kill)
}

// Killed reports whether Kill or Doom was called.
func (i *Incarnation) Killed() bool { return i.killed }

// Ours reports whether we sent the process a signal that ends it.
func (i *Incarnation) Ours() bool { return i.killed || i.terminated }

// Stacks asks the process for the stacks of its threads: the control thread answers with source lines within limit when it
// gets the GIL, and faulthandler always answers. x is the request in question; nil: none.
func (i *Incarnation) Stacks(x *shim.Exchange, limit time.Duration) string {
	if s := i.ControlStacks(x, limit); s != "" {
		return s
	}
	if !i.canDump || i.Child.Stacks == nil || i.Child.Signal(Dump) != nil {
		return ""
	}
	return i.stacks.Collect(dumpWait)
}

// ControlStacks asks the control thread only: at the very end of an interpreter the signal finds no handler, and kills.
func (i *Incarnation) ControlStacks(x *shim.Exchange, limit time.Duration) string {
	if s := i.stacks.Take(); strings.Contains(s, output.Fatal) { // not the answer to an earlier question: a child process of the app crashed
		i.print("", "error", s)
	}
	if i.control && i.Conn.Dump(x) == nil {
		return i.stacks.Collect(limit)
	}
	return ""
}

// Crash returns what faulthandler wrote when the process crashed: to its pipe, or to the output where the app enabled
// faulthandler itself. Empty: nothing.
func (i *Incarnation) Crash() string {
	shim.Within(i.stacksDone, crashWait)
	s := i.stacks.Take()
	if at := strings.LastIndex(s, output.Fatal); at >= 0 {
		return s[at:]
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.crash.String()
}

// AwaitLastFrames waits for ConnEnded after the exit. A stranger that left the group may hold the pipes open, so the wait is
// short.
func (i *Incarnation) AwaitLastFrames() {
	shim.Within(i.ConnEnded, lastFrames)
}

// AwaitLastOutput closes the connection of a process that has ended, waits at most limit for the end of its output, and closes
// the pipe: the records that waited for more are passed on then.
func (i *Incarnation) AwaitLastOutput(limit time.Duration) {
	i.Conn.Close()
	shim.Within(i.outputDone, limit)
	i.Child.Output.Close()
	<-i.outputDone
}

// Finish closes what is left, and returns when all goroutines of Run have ended.
func (i *Incarnation) Finish() {
	if i.Child.Stacks != nil {
		i.Child.Stacks.Close()
	}
	i.Child.Release()
	i.running.Wait()
}

// LastFailed returns the Failed message that came after the exit was known; nil: none came.
func (i *Incarnation) LastFailed() *wire.Failed {
	select {
	case f := <-i.Failed:
		return f
	default:
		return nil
	}
}

// print keeps one record of output and passes it on.
func (i *Incarnation) print(id, level, text string) {
	i.mu.Lock()
	if !i.booted {
		i.tail.Add(text)
	}
	if !i.crash.Empty() || strings.HasPrefix(text, output.Fatal) {
		i.crash.Add(text)
	}
	i.mu.Unlock()
	i.hooks.Printed(id, level, text)
}

// connOwner is the shim.Owner of an incarnation. Its methods run on the goroutines of the connection and must not block.
type connOwner struct{ i *Incarnation }

func (o connOwner) Noise(p []byte) {
	output.Split(p, func(text string) { o.i.print("", "", text) })
}

func (o connOwner) Hello(m *wire.Hello)   { offer(o.i.Hello, m) }
func (o connOwner) Ready(m *wire.Ready)   { offer(o.i.Ready, m) }
func (o connOwner) Failed(m *wire.Failed) { offer(o.i.Failed, m) }
func (o connOwner) Stacks(text string)    { o.i.stacks.Add(text) }

func (o connOwner) Log(l *shim.Label, r *wire.LogRecord) { o.i.hooks.Logged(l, r) }

func (o connOwner) Freed(x *shim.Exchange, out shim.Outcome) {
	if o.i.hooks.Requests != nil {
		o.i.hooks.Requests.Freed(x, out)
	}
}

func (o connOwner) Expired(x *shim.Exchange, c shim.Cause, why string) {
	if o.i.hooks.Requests != nil {
		o.i.hooks.Requests.Expired(x, c, why)
	}
}

func (o connOwner) Stuck(n int) {
	if o.i.hooks.Requests != nil {
		o.i.hooks.Requests.Stuck(n)
	}
}

func (o connOwner) Debug(d shim.Debugging, answer func(string, error)) (end func()) {
	if o.i.hooks.Debug == nil {
		answer("", errNoTerminal)
		return func() {}
	}
	return o.i.hooks.Debug(d, answer)
}

// errNoTerminal is the answer to a debugger that wants the terminal.
var errNoTerminal = errors.New("there is no terminal")

// Purge runs beside the connection. It ends within purgeWait, and Finish waits for it.
func (o connOwner) Purge(m *wire.Purge, done func(int, error)) {
	purge := o.i.hooks.Purge
	if purge == nil {
		done(0, nil)
		return
	}
	o.i.running.Go(func() { // the reader of the control socket, which calls this, is among those that run
		ctx, cancel := context.WithTimeout(context.Background(), purgeWait)
		defer cancel()
		done(purge(ctx, m))
	})
}

func offer[T any](c chan T, v T) {
	select {
	case c <- v:
	default:
	}
}
