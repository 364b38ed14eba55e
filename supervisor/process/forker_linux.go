package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"github.com/standpipe/standpipe/shim/wire"
)

// Forker gives orders to one template, one at a time.
type Forker struct {
	control *os.File
	give    func(*os.File) error // gives a pipe to the user of the template; nil: the user is ours
	leaf    *Cgroup              // each worker gets a control group of its own below it; nil: none
	frames  *wire.Reader
}

// NewForker takes over the control socket of a template that c started.
func NewForker(control io.ReadWriteCloser, c Command) (*Forker, error) {
	f, ok := control.(*os.File)
	if !ok {
		return nil, errors.New("a template needs a control socket")
	}
	if err := becomeSubreaper(); err != nil {
		return nil, fmt.Errorf("cannot become the parent of what a template forks: %w", err)
	}
	made := &Forker{control: f, leaf: c.Cgroup, frames: wire.NewReader(f)}
	if id := c.Identity; id != nil { // then this process is root: preload excludes a helper
		made.give = func(f *os.File) error { return f.Chown(int(id.UID), int(id.GID)) }
	}
	return made, nil
}

// Close ends the template: it reads an end of file instead of an order.
func (f *Forker) Close() { f.control.Close() }

// Fork orders a worker and returns it; limit bounds the wait for the answer (0: there is none). ErrNoTemplate: the template is
// gone, or must be given up.
func (f *Forker) Fork(limit time.Duration) (*Child, error) {
	p, err := makePipes()
	if err != nil {
		return nil, err
	}
	defer p.closeTheirs()
	if f.give != nil { // /dev/stdout and /dev/stderr are opened with the rights of the pipe's owner
		if err := f.give(p.output.theirs); err != nil {
			p.closeOurs()
			return nil, fmt.Errorf("cannot give the worker's output to its user: %w", err)
		}
	}
	process, err := f.order(p.nonce, p.theirs(), limit)
	if err != nil {
		p.closeOurs() // with the life pipe, which ends a worker that we do not know
		return nil, err
	}
	return p.child(process), nil
}

func (f *Forker) order(nonce []byte, theirs []*os.File, limit time.Duration) (*process, error) {
	numbers := make([]int, 0, len(theirs))
	for _, t := range theirs {
		numbers = append(numbers, int(t.Fd())) // blocking from here on, as a worker wants it
	}
	children.begin() // the worker may be our child, and may even have ended, before its number is here
	defer children.begun()
	if err := f.send(wire.AppendFork(nil, nonce), unix.UnixRights(numbers...)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTemplate, err)
	}
	var end time.Time
	if limit > 0 {
		end = time.Now().Add(limit)
	}
	_ = f.control.SetReadDeadline(end)
	answer, err := f.frames.Next()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTemplate, err)
	}
	switch answer.Kind {
	case wire.KindForkFailed:
		why, err := wire.DecodeForkFailed(answer.Payload)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoTemplate, err)
		}
		return nil, fmt.Errorf("the template cannot fork: %s", why)
	case wire.KindForked:
		pid, err := wire.DecodeForked(answer.Payload)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoTemplate, err)
		}
		p, err := adopt(pid)
		if err == nil && f.leaf != nil { // it waits for its Boot message; the processes that its fork hooks started end with the template
			p.hold(f.leaf.named())
		}
		return p, err
	}
	return nil, fmt.Errorf("%w: a %v frame answers the order to fork", ErrNoTemplate, answer.Kind)
}

// send writes one order with its descriptors.
func (f *Forker) send(frame, rights []byte) error {
	raw, err := f.control.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Write(func(fd uintptr) bool {
		for sent = unix.EINTR; sent == unix.EINTR; {
			sent = unix.Sendmsg(int(fd), frame, rights, nil, unix.MSG_NOSIGNAL)
		}
		return sent != unix.EAGAIN
	})
	if err == nil {
		err = sent
	}
	return err
}

// adopt takes a process that a template says it has forked for us. The number is accepted only when it is a child of ours that
// leads its group and that is not in the table: signals will go to that group.
func adopt(pid int) (*process, error) {
	err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	group, groupErr := unix.Getpgid(pid)
	if err != nil || groupErr != nil || group != pid || !children.claim(pid) {
		return nil, fmt.Errorf("%w: it says that it has forked process %d, which is no new child of ours", ErrNoTemplate, pid)
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		Untrack(pid)
		return nil, err
	}
	return &process{cmd: &exec.Cmd{Process: p}}, nil
}
