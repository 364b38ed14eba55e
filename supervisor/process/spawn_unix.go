//go:build unix

package process

import (
	"cmp"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// extras makes the control socket (3), the life pipe (4) and the stacks pipe (5).
func (s *fdSet) extras() extras {
	control := s.socket()
	life := s.pipe(toChild)
	stacks := s.pipe(fromChild)
	return extras{
		files:   []*os.File{control.theirs, life.theirs, stacks.theirs},
		control: control.ours, life: life.ours, stacks: stacks.ours,
	}
}

func (s *fdSet) socket() ends {
	if s.err != nil {
		return ends{}
	}
	// No other goroutine may fork between socketpair and close-on-exec.
	syscall.ForkLock.RLock()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		s.err = os.NewSyscallError("socketpair", err)
		return ends{}
	}
	_ = unix.SetNonblock(fds[0], true) // our end goes to the poller, so that Close wakes a reader
	e := ends{ours: os.NewFile(uintptr(fds[0]), "control"), theirs: os.NewFile(uintptr(fds[1]), "control")}
	s.made = append(s.made, e)
	return e
}

// Signal sends the order to the group (Dump: only to the leader). The process is reaped under the same lock, so the number still
// is that of our process.
func (p *process) Signal(o Order) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return nil
	}
	pid := p.cmd.Process.Pid
	switch o {
	case Terminate:
		return unix.Kill(-pid, unix.SIGTERM)
	case Kill:
		if p.left == "" {
			p.left = p.branch.others(pid)
		}
		err := unix.Kill(-pid, unix.SIGKILL)
		p.branch.kill()
		return err
	case Dump:
		return unix.Kill(pid, unix.SIGUSR2)
	}
	return nil
}

func (p *process) hasEnded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reaped || isZombie(p.cmd.Process.Pid)
}

// Wait reaps the process. Where it can, it kills the rest of the group while the zombie still holds the number: afterwards
// another process may have it.
func (p *process) Wait() Exit {
	defer p.branch.end() // without the lock: the processes that were killed take a moment to end
	pid := p.cmd.Process.Pid
	waits := awaitExit(pid)
	left := ""
	if waits {
		left = endGroup(pid, p.branch)
		p.mu.Lock()
		defer p.mu.Unlock()
	}
	ps, err := p.cmd.Process.Wait()
	if !waits {
		p.mu.Lock()
		defer p.mu.Unlock()
	}
	p.reaped = true
	Untrack(pid)
	if err != nil {
		return Exit{Code: -1}
	}
	e := Exit{Code: ps.ExitCode(), Left: cmp.Or(p.left, left), Loose: p.loose}
	if ru, ok := ps.SysUsage().(*syscall.Rusage); ok {
		e.MaxRSS = maxRSS(ru)
	}
	if ws, ok := ps.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		e.Code, e.Signal, e.SignalName = -1, int(ws.Signal()), unix.SignalName(ws.Signal())
	}
	return e
}
