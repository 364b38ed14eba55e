package supervisor

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"

	"github.com/standpipe/standpipe/shim"
)

// Exec is the Spawner of real processes.
type Exec struct{}

// Spawn starts the command as the leader of a process group of its own, with
// the descriptors of shim/PROTOCOL.md.
func (Exec) Spawn(c Command) (*Child, error) {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails

	var fds fdSet
	defer fds.closeTheirs()
	stdin := fds.pipe(toChild)
	stdout := fds.pipe(fromChild)
	output := fds.pipe(fromChild)
	extra := fds.extras()
	if fds.err != nil {
		fds.closeOurs()
		return nil, fmt.Errorf("cannot make the worker's pipes: %w", fds.err)
	}

	path, err := exec.LookPath(c.Args[0])
	if err != nil && !errors.Is(err, exec.ErrDot) {
		fds.closeOurs()
		return nil, startError(c.Args[0], err)
	}
	cmd := &exec.Cmd{
		Path: path, Args: c.Args, Dir: c.Dir,
		Env:   append(append([]string(nil), c.Env...), "STANDPIPE_NONCE="+hex.EncodeToString(nonce)),
		Stdin: stdin.theirs, Stdout: stdout.theirs, Stderr: output.theirs,
		ExtraFiles: extra.files, SysProcAttr: ownGroup(),
	}
	err = Own(func() (int, error) {
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		return cmd.Process.Pid, nil
	})
	if err != nil {
		fds.closeOurs()
		return nil, startError(c.Args[0], err)
	}
	child := &Child{
		Process: &process{cmd: cmd},
		Ends:    shim.Ends{R: stdout.ours, W: stdin.ours, Nonce: nonce},
		Output:  output.ours,
		Release: func() {},
	}
	if extra.control != nil {
		child.Ends.Control = extra.control
	}
	if extra.stacks != nil {
		child.Stacks = extra.stacks
	}
	if extra.life != nil {
		child.Release = func() { extra.life.Close() }
	}
	return child, nil
}

func startError(path string, err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	var ee *exec.Error
	if errors.As(err, &ee) {
		err = ee.Err
	}
	return fmt.Errorf("cannot start %s: %w", path, err)
}

type direction bool

const (
	toChild   direction = false
	fromChild direction = true
)

// ends are the two ends of a pipe.
type ends struct{ ours, theirs *os.File }

// fdSet collects the ends that are made for one child; the first error sticks.
type fdSet struct {
	made []ends
	err  error
}

func (s *fdSet) pipe(d direction) ends {
	if s.err != nil {
		return ends{}
	}
	r, w, err := os.Pipe()
	if err != nil {
		s.err = err
		return ends{}
	}
	e := ends{ours: w, theirs: r}
	if d == fromChild {
		e = ends{ours: r, theirs: w}
	}
	s.made = append(s.made, e)
	return e
}

func (s *fdSet) closeTheirs() {
	for _, e := range s.made {
		e.theirs.Close()
	}
}

func (s *fdSet) closeOurs() {
	for _, e := range s.made {
		e.ours.Close()
	}
}

// extras are the descriptors from 3 on, in that order, and our ends of them.
type extras struct {
	files                 []*os.File
	control, life, stacks *os.File
}

type process struct {
	cmd *exec.Cmd

	mu     sync.Mutex
	reaped bool
}

func (p *process) Pid() int { return p.cmd.Process.Pid }
