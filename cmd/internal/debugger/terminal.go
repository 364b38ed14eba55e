package debugger

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/supervisor"
)

const (
	// stopTick is how often a look finds out whether Ctrl-Z has stopped the debugger.
	stopTick = 100 * time.Millisecond
	// resumeWait is how long the server may take to be stopped by its own SIGTSTP: a group without a shell is not.
	resumeWait = 300 * time.Millisecond
)

// fullScreen is the debugger that has the whole screen.
const fullScreen = "pudb"

var (
	errStops = errors.New("the server stops")
	errGone  = errors.New("the worker has ended")
)

// Outlet is output that goes to the terminal: Hold keeps it back once all before is written, Release writes it.
type Outlet interface {
	Hold()
	Release()
}

// device is the terminal, as Terminal uses it.
type device interface {
	path() string
	foreground() bool     // the server's process group is the foreground group
	give(group int) error // makes group the foreground group, and keeps the modes
	take() (clean bool)   // makes the server's group the foreground group, with the modes of give; clean: they were the same
	stopped(pid int) bool // Ctrl-Z has stopped the process
	stopSelf(time.Duration)
	resume(group int) error // what was given before and was stopped
	print(text string)
	close()
}

// Terminal lends the terminal of this process. Its zero value has none.
type Terminal struct {
	tty     device
	log     hclog.Logger
	outlets []Outlet

	mu       sync.Mutex
	desk     desk
	ended    *loan // it has the terminal, which is to be taken back
	stopping bool
	wake     chan struct{} // capacity 1
	quit     chan struct{}
	done     chan struct{}

	// Of run:
	suspended  bool // the one that has the terminal was stopped by Ctrl-Z
	background bool // the server is not in the foreground, and that was logged
}

// Open returns the terminal that standard input is; nil when it is none, or not this session's. Close must be called.
func Open(log hclog.Logger) *Terminal {
	tty := openTTY()
	if tty == nil {
		return nil
	}
	return start(tty, log)
}

func start(tty device, log hclog.Logger) *Terminal {
	t := &Terminal{tty: tty, log: log, wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	go t.run()
	return t
}

// Holds adds output that is held back while a debugger has the terminal. It is called before the first Lend.
func (t *Terminal) Holds(o ...Outlet) {
	if t != nil {
		t.outlets = append(t.outlets, o...)
	}
}

// Lend is supervisor.Terminal's.
func (t *Terminal) Lend(b supervisor.Borrower, answer func(device string, refused error)) (back func()) {
	l := &loan{Borrower: b, answer: answer, asked: time.Now()}
	t.mu.Lock()
	if t.stopping {
		t.mu.Unlock()
		answer("", errStops)
		return func() {}
	}
	t.desk.add(l)
	t.mu.Unlock()
	t.rouse()
	return func() {
		t.mu.Lock()
		if t.desk.remove(l) {
			t.ended = l
		}
		t.mu.Unlock()
		t.rouse()
	}
}

// Busy reports whether a debugger has the terminal or waits for it.
func (t *Terminal) Busy() bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.desk.open()
}

// Stop refuses the debuggers that wait, and further ones. The one that has the terminal keeps it until its worker has ended.
func (t *Terminal) Stop() {
	if t == nil {
		return
	}
	t.mu.Lock()
	waiting := t.desk.waiting
	t.desk.waiting, t.stopping = nil, true
	t.mu.Unlock()
	for _, l := range waiting {
		l.answer("", errStops)
	}
}

// Close takes the terminal back, and ends the goroutine.
func (t *Terminal) Close() {
	if t == nil {
		return
	}
	t.Stop()
	close(t.quit)
	<-t.done
	t.tty.close()
}

func (t *Terminal) rouse() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// run makes the loans. Only it uses tty.
func (t *Terminal) run() {
	defer close(t.done)
	for {
		var tick <-chan time.Time
		if t.look() {
			tick = time.After(stopTick)
		}
		select {
		case <-t.wake:
		case <-tick:
		case <-t.quit:
			t.mu.Lock()
			if t.desk.current != nil {
				t.ended = t.desk.current
			}
			t.mu.Unlock()
			t.look()
			return
		}
	}
}

// look does what is due. again: it is to look again although nothing happens.
func (t *Terminal) look() (again bool) {
	t.mu.Lock()
	ended, current := t.ended, t.desk.current
	t.mu.Unlock()
	if ended != nil {
		t.takeBack(ended)
		current = nil
	}
	if current != nil {
		t.tellWaiting(current)
		t.follow(current)
		return true
	}
	t.mu.Lock()
	next := t.desk.next()
	t.mu.Unlock()
	switch {
	case next == nil:
		return false
	case !t.tty.foreground():
		if !t.background {
			t.background = true
			t.log.Info("debugger_waits", append(about(next), "message", "a breakpoint waits for the terminal, and standpipe is in the background; fg brings it back")...)
		}
		return true
	}
	t.background = false
	return t.lend(next)
}

// lend gives the terminal to a debugger. lent: it has it.
func (t *Terminal) lend(l *loan) (lent bool) {
	t.log.Info("debugger_opened", append(about(l), "message", opened(l))...)
	t.hold()
	err := t.tty.give(l.Pid)
	t.mu.Lock()
	if t.desk.next() != l { // its worker has ended, or the server stops
		err = errGone
	} else if err != nil {
		t.desk.remove(l)
	} else {
		t.desk.lend(time.Now())
	}
	t.mu.Unlock()
	if err == nil {
		l.answer(t.tty.path(), nil)
		return true
	}
	t.tty.take()
	t.release()
	if err != errGone {
		l.answer("", fmt.Errorf("the terminal cannot be given to the worker: %w", err))
	}
	t.rouse()
	return false
}

// takeBack ends the loan of the one that has the terminal.
func (t *Terminal) takeBack(l *loan) {
	if !t.suspended && !t.tty.take() { // its worker has died at a prompt
		text := "\x1b[0m\r\n"
		if l.Debugger == fullScreen {
			text = "\x1b[?1049l\x1b[?25h" + text
		}
		t.tty.print(text)
	}
	t.suspended = false
	t.mu.Lock()
	t.desk.current, t.ended = nil, nil
	t.mu.Unlock()
	t.log.Info("debugger_closed", append(about(l), "took", time.Since(l.lent).Round(time.Millisecond))...)
	t.release()
}

// tellWaiting says on the terminal that further debuggers wait. It leaves the screen of one that has all of it alone.
func (t *Terminal) tellWaiting(current *loan) {
	t.mu.Lock()
	var news []*loan
	for _, l := range t.desk.waiting {
		if !l.told {
			l.told = true
			news = append(news, l)
		}
	}
	t.mu.Unlock()
	for _, l := range news {
		t.log.Info("debugger_waits", about(l)...)
		if current.Debugger != fullScreen && !t.suspended {
			t.tty.print(fmt.Sprintf("\nstandpipe: %s waits at another breakpoint, %s; it gets the terminal after this debugger\n", l.Worker, place(l)))
		}
	}
}

// follow stops the server when Ctrl-Z has stopped the debugger, as the shell expects it of what it has started, and lets the
// debugger go on when the server is in the foreground again.
func (t *Terminal) follow(l *loan) {
	if !t.suspended {
		if !t.tty.stopped(l.Pid) {
			return
		}
		t.suspended = true
		t.tty.take()
		t.release()
		t.tty.stopSelf(resumeWait)
	}
	if !t.tty.foreground() {
		return
	}
	t.hold()
	if err := t.tty.resume(l.Pid); err != nil {
		t.release() // its worker has just ended
		return
	}
	t.suspended = false
}

func (t *Terminal) hold() {
	for _, o := range t.outlets {
		o.Hold()
	}
}

func (t *Terminal) release() {
	for _, o := range t.outlets {
		o.Release()
	}
}

// about are the fields of a record.
func about(l *loan) []any {
	pairs := []any{"app", l.App, "worker", l.Worker, "pid", l.Pid, "gen", l.Generation, "debugger", l.Debugger, "at", l.At}
	if l.Label != nil {
		pairs = append(pairs, "id", l.Label.ID, "method", l.Label.Method, "target", l.Label.Target)
	}
	return pairs
}

// opened is the sentence for a person who is about to see the prompt.
func opened(l *loan) string {
	what := "The terminal is the debugger's"
	if l.Debugger != "" {
		what = "The terminal is " + l.Debugger + "'s"
	}
	return fmt.Sprintf("%s: a breakpoint at %s. The log goes on when it ends.", what, place(l))
}

// place says where a debugger stands, for people: the texts are the app's.
func place(l *loan) string {
	at := strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, l.At)
	if at == "" {
		at = "an unknown line"
	}
	return at
}
