//go:build unix

package process

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// errNoHelper means that the helper was killed. The server cannot make another one.
var errNoHelper = errors.New("the helper process that starts workers as other users has ended; restart standpipe")

// Helper is the Spawner of a process that has dropped root: a small root process of the same program starts processes, sends
// them signals and waits for them. It obeys only what its table allows, and it ends with this process, and its processes with
// it.
type Helper struct {
	conn *helperConn
	cmd  *exec.Cmd
	done chan struct{} // closed when the socket has ended

	mu       sync.Mutex
	next     uint64
	answers  map[uint64]chan helperWord // capacity 1, one for each order under way
	children map[uint64]chan Exit       // capacity 1, one for each process that lives
}

// StartHelper starts the helper while this process still is root. One goroutine reads its messages; Close ends both.
func StartHelper(table HelperTable) (*Helper, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	self, err := ownProgram()
	if err != nil {
		ours.Close()
		theirs.Close()
		return nil, err
	}
	cmd := &exec.Cmd{
		Path: self, Args: []string{"standpipe: helper", helperArg}, Env: []string{}, Dir: "/",
		Stderr: os.Stderr, ExtraFiles: []*os.File{theirs}, SysProcAttr: ownGroup(),
	}
	err = Track(func() (int, error) {
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		return cmd.Process.Pid, nil
	})
	theirs.Close()
	if err != nil {
		ours.Close()
		return nil, fmt.Errorf("cannot start the helper: %w", err)
	}
	h, err := connectHelper(ours, table)
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		Untrack(cmd.Process.Pid)
		return nil, err
	}
	h.cmd = cmd
	return h, nil
}

func connectHelper(ours *os.File, table HelperTable) (*Helper, error) {
	conn, err := newHelperConn(ours)
	if err != nil {
		return nil, err
	}
	if err := conn.send(table); err != nil {
		conn.c.Close()
		return nil, err
	}
	h := &Helper{conn: conn, done: make(chan struct{}), answers: map[uint64]chan helperWord{}, children: map[uint64]chan Exit{}}
	go h.read()
	return h, nil
}

func socketPair() (a, b *os.File, err error) {
	var fds fdSet
	e := fds.socket()
	return e.ours, e.theirs, fds.err
}

// Pid is the helper's process.
func (h *Helper) Pid() int { return h.cmd.Process.Pid }

// Done is closed when the helper has ended, by itself or by Close.
func (h *Helper) Done() <-chan struct{} { return h.done }

// Close ends the helper and the processes that it started, and waits for it.
func (h *Helper) Close() {
	h.conn.c.Close()
	<-h.done
	if h.cmd != nil {
		_ = h.cmd.Wait()
		Untrack(h.cmd.Process.Pid)
	}
}

// read passes the helper's messages on until the socket ends.
func (h *Helper) read() {
	defer close(h.done)
	for {
		var w helperWord
		files, err := h.conn.receive(&w)
		closeAll(files)
		if err != nil {
			return
		}
		h.mu.Lock()
		if w.Exit != nil {
			if c := h.children[w.ID]; c != nil {
				delete(h.children, w.ID)
				c <- *w.Exit
			}
		} else if c := h.answers[w.ID]; c != nil {
			delete(h.answers, w.ID)
			c <- w
		}
		h.mu.Unlock()
	}
}

// order sends an order and waits for its answer.
func (h *Helper) order(o helperOrder, exit chan Exit, files ...*os.File) (helperWord, error) {
	answer := make(chan helperWord, 1)
	h.mu.Lock()
	h.next++
	o.ID = h.next
	h.answers[o.ID] = answer
	if exit != nil {
		h.children[o.ID] = exit
	}
	h.mu.Unlock()
	forget := func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.answers, o.ID)
		delete(h.children, o.ID)
	}
	if err := h.conn.send(o, files...); err != nil {
		forget()
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, net.ErrClosed) {
			err = errNoHelper
		}
		return helperWord{}, err
	}
	select {
	case w := <-answer:
		w.ID = o.ID
		if w.Err != "" {
			forget()
			return w, errors.New(w.Err)
		}
		return w, nil
	case <-h.done:
		forget()
		return helperWord{}, errNoHelper
	}
}

// Spawn lets the helper start the command, which needs an Identity.
func (h *Helper) Spawn(c Command) (*Child, error) {
	return spawn(c, func(o startOrder, release func()) (Process, error) {
		exit := make(chan Exit, 1)
		w, err := h.order(helperOrder{Start: &o}, exit, o.files...)
		if err != nil {
			return nil, err
		}
		return &remote{helper: h, id: w.ID, pid: w.Pid, exit: exit, release: release}, nil
	})
}

// Give changes the owner of f, a file of ours with at most one name, to the user.
func (h *Helper) Give(f *os.File, to Identity) error {
	_, err := h.order(helperOrder{Give: &to}, nil, f)
	return err
}

// remote is a process of the helper.
type remote struct {
	helper  *Helper
	id      uint64
	pid     int
	exit    chan Exit
	release func()
	killed  atomic.Bool // without a helper
}

func (r *remote) Pid() int       { return r.pid }
func (r *remote) RSS() int64     { return residentSize(r.pid) }
func (r *remote) hasEnded() bool { return processGone(r.pid) }

func (r *remote) Signal(o Order) error {
	_, err := r.helper.order(helperOrder{Signal: &helperSignal{r.id, o}}, nil)
	if err != errNoHelper {
		return err
	}
	if o == Kill { // the kernel does it, when the life pipe ends
		r.killed.Store(true)
		r.release()
	}
	return nil
}

// Wait returns what the helper says. When the helper is gone no process can wait for this one. It runs on, so that it can finish
// its requests before the server ends, and is watched until it has ended.
func (r *remote) Wait() Exit {
	select {
	case e := <-r.exit:
		return e
	case <-r.helper.done:
	}
	select {
	case e := <-r.exit: // it was on its way
		return e
	default:
	}
	for Looks := 0; !processGone(r.pid) && Looks < mostLooks; {
		time.Sleep(10 * time.Millisecond) // it is not a child of this process, and there may be no pidfd
		if r.killed.Load() {
			Looks++
		}
	}
	return Exit{Code: -1}
}

// mostLooks bounds the wait for a process that was killed: 5 s.
const mostLooks = 500

// processGone reports whether the process has ended; it may not be reaped yet.
func processGone(pid int) bool {
	if unix.Kill(pid, 0) == unix.ESRCH {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the process chooses its name
	return strings.HasPrefix(rest, "Z") || strings.HasPrefix(rest, "X")
}
