package process

import (
	"errors"
	"syscall"
)

// Windows has no process groups that a signal reaches, and passes no further descriptors to a child: a worker lives and ends
// with its stdin.
func ownGroup() *syscall.SysProcAttr { return nil }

func (s *fdSet) extras() extras { return extras{} }

func (p *process) Signal(o Order) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.reaped:
		return nil
	case o == Kill:
		return p.cmd.Process.Kill()
	}
	return errors.ErrUnsupported
}

func (p *process) Wait() Exit {
	ps, err := p.cmd.Process.Wait()
	Untrack(p.Pid())
	p.mu.Lock()
	p.reaped = true
	p.mu.Unlock()
	if err != nil {
		return Exit{Code: -1}
	}
	return Exit{Code: ps.ExitCode()}
}
