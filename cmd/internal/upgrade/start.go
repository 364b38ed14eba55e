package upgrade

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/standpipe/standpipe/supervisor/process"
)

// handshake is what a new process is told at its start, as JSON in the variable.
type handshake struct {
	// Parent is the pid of the old process: the handshake is for its child alone.
	Parent int `json:"parent"`
	// Hear and Say are the pipe ends; Out and Err the standard output and error that
	// it is to have: until it has read this, what it prints is caught.
	Hear, Say, Out, Err int
	Listeners           []handed `json:"listeners"`
	// Up are the apps that serve now: a process in which one of them does not is no
	// better.
	Up []string `json:"up"`
}

type handed struct {
	Address string `json:"address"`
	FD      int    `json:"fd"`
}

const variable = "STANDPIPE_UPGRADE"

// Listener is an open socket and its name in the configuration.
type Listener struct {
	Address string
	File    *os.File
}

// Options say what is started.
type Options struct {
	Program string   // path
	Args    []string // the whole command line, with Args[0]
	Env     []string
	Dir     string
	// Listeners that it gets. They stay the caller's to close.
	Listeners []Listener
	Up        []string
	// Limit is how long it may take until it is ready; 0: no limit.
	Limit time.Duration
}

// Attempt is an upgrade that is under way.
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
	said   string // the sentence of "failed"; run's alone
	output tail
}

// Failed is why an upgrade has failed; the old process serves on.
type Failed struct {
	Pid int
	// Why it failed; Said is the new process's own sentence, Output the last of what
	// it printed before it could speak; both may be empty.
	Why, Said, Output string
}

func (e *Failed) Error() string {
	if e.Said != "" {
		return e.Why + ": " + e.Said
	}
	return e.Why
}

// ErrAborted: Abort was called.
var ErrAborted = errors.New("the upgrade was given up")

// Program finds the program again by the name that it was started by, so that what
// has been put into its place is what is started: links and PATH are followed again.
// dir is the folder of the start, fallback the path for a name that leads nowhere.
func Program(name, dir, fallback string) string {
	path := name
	switch {
	case !strings.ContainsRune(name, filepath.Separator):
		found, err := exec.LookPath(name)
		if err != nil {
			return fallback
		}
		path = found
	case !filepath.IsAbs(name):
		path = filepath.Join(dir, name)
	}
	if _, err := os.Stat(path); err != nil && fallback != "" {
		return fallback
	}
	return path
}

// Start starts the new process. The error says that it could not be started.
func Start(o Options) (*Attempt, error) {
	a := &Attempt{done: make(chan error, 1), lines: make(chan string, 4), exited: make(chan struct{}), abort: make(chan struct{})}
	var pipes [6]*os.File
	for i := 0; i < len(pipes); i += 2 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(pipes[:]...)
			return nil, err
		}
		pipes[i], pipes[i+1] = r, w
	}
	hear, theirSay, theirHear, say, output, theirOutput := pipes[0], pipes[1], pipes[2], pipes[3], pipes[4], pipes[5]
	l := handshake{Parent: os.Getpid(), Up: o.Up, Hear: 3, Say: 4, Out: 5, Err: 6}
	extra := []*os.File{theirHear, theirSay, os.Stdout, os.Stderr}
	for _, ln := range o.Listeners {
		l.Listeners = append(l.Listeners, handed{ln.Address, 3 + len(extra)})
		extra = append(extra, ln.File)
	}
	text, err := json.Marshal(l)
	if err != nil {
		closeAll(pipes[:]...)
		return nil, err
	}
	a.cmd = &exec.Cmd{
		Path: o.Program, Args: o.Args, Dir: o.Dir, Env: append(without(o.Env), variable+"="+string(text)),
		Stdin: os.Stdin, Stdout: theirOutput, Stderr: theirOutput, ExtraFiles: extra,
	}
	err = process.Track(func() (int, error) {
		if err := a.cmd.Start(); err != nil {
			return 0, err
		}
		return a.cmd.Process.Pid, nil
	})
	closeAll(theirSay, theirHear, theirOutput)
	if err != nil {
		closeAll(hear, say, output)
		return nil, err
	}
	a.Pid, a.say = a.cmd.Process.Pid, say
	caught := make(chan struct{})
	go func() { defer close(caught); _, _ = io.Copy(&a.output, output); output.Close() }()
	go func() {
		defer close(a.lines)
		defer hear.Close()
		for s := bufio.NewScanner(hear); s.Scan(); { // a line is at most 64 KiB
			a.lines <- s.Text()
		}
	}()
	go func() {
		a.state, _ = a.cmd.Process.Wait()
		process.Untrack(a.Pid)
		select {
		case <-caught: // its children may hold it open
		case <-time.After(time.Second):
		}
		close(a.exited)
	}()
	go a.run(o.Limit)
	return a, nil
}

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
				lines = nil // it has ended, or speaks no such language and will bind in vain
			case line == "ready":
				a.done <- nil
				return
			default:
				a.hear(line)
			}
		case <-a.exited:
			a.done <- a.failed("it ended before it was ready")
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
		case <-time.After(time.Second): // a child of its own holds the pipe
		}
		break
	}
	if a.state != nil {
		why += " (" + a.state.String() + ")"
	}
	closeAll(a.say)
	return &Failed{Pid: a.Pid, Why: why, Said: a.said, Output: a.output.String()}
}

// endGrace is how long a new process that is not wanted any more may take to stop
// its workers.
const endGrace = 8 * time.Second

// end ends the new process and waits for it.
func (a *Attempt) end() {
	_, _ = io.WriteString(a.say, "stop\n")
	_ = a.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-a.exited:
	case <-time.After(endGrace):
		_ = a.cmd.Process.Kill()
		<-a.exited
	}
}

// Done tells once: nil, the new process is ready and waits for TakeOver; a *Failed; or
// ErrAborted. After an error it has ended.
func (a *Attempt) Done() <-chan error {
	if a == nil {
		return nil
	}
	return a.done
}

// Abort ends the new process, if it has not taken over.
func (a *Attempt) Abort() { a.once.Do(func() { close(a.abort) }) }

// Drop ends a process that is ready and shall not take over.
func (a *Attempt) Drop() { a.end(); closeAll(a.say) }

// takeLimit is how long a process that is ready may take to take over.
const takeLimit = 10 * time.Second

// TakeOver lets a new process that is ready take connections. The error is a *Failed,
// and it has ended then.
func (a *Attempt) TakeOver() error {
	_, _ = io.WriteString(a.say, "go\n") // where that fails, "taken" does not come
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
			_ = a.cmd.Process.Kill() // it has closed the pipe, so it is about to end
			<-a.exited
			return a.failed("it ended while it was taking over")
		case <-late:
			_ = a.cmd.Process.Kill()
			<-a.exited
			return a.failed(fmt.Sprintf("it has not taken over within %v", takeLimit))
		}
	}
}

// Finish lets the new process speak for the service.
func (a *Attempt) Finish() { closeAll(a.say) }

func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}

// without is env without a handshake for this process.
func without(env []string) []string {
	list := make([]string, 0, len(env)+1)
	for _, v := range env {
		if !strings.HasPrefix(v, variable+"=") {
			list = append(list, v)
		}
	}
	return list
}

// tail keeps the end of what is written.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if over := len(t.b) - tailSize; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(t.b), "?"))
}
