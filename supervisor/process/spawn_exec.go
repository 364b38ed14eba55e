package process

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/standpipe/standpipe/shim"
)

// Exec is the Spawner of real processes.
type Exec struct{}

// Spawn starts the command as the leader of a process group of its own, with
// the descriptors of shim/PROTOCOL.md.
func (Exec) Spawn(c Command) (*Child, error) {
	return spawn(c, func(o startOrder, _ func()) (Process, error) { return o.start() })
}

// startOrder is a process that is to be started: pure data, and its file descriptors from 0 on.
type startOrder struct {
	Path      string
	Args, Env []string
	Dir       string
	Identity  *Identity
	Limits    Limits
	Cgroup    *Cgroup
	files     []*os.File
}

// spawn makes the pipes and calls start. release closes the life pipe.
func spawn(c Command, start func(o startOrder, release func()) (Process, error)) (*Child, error) {
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
	release := func() {}
	if extra.life != nil {
		release = func() { extra.life.Close() }
	}
	p, err := start(startOrder{
		Path: path, Args: c.Args, Dir: c.Dir,
		Env:      append(append([]string(nil), c.Env...), "STANDPIPE_NONCE="+hex.EncodeToString(nonce)),
		Identity: c.Identity, Limits: c.Limits, Cgroup: c.Cgroup,
		files: append([]*os.File{stdin.theirs, stdout.theirs, output.theirs}, extra.files...),
	}, release)
	if err != nil {
		fds.closeOurs()
		return nil, err
	}
	child := &Child{
		Process: p,
		Ends:    shim.Ends{R: stdout.ours, W: stdin.ours, Nonce: nonce},
		Output:  output.ours,
		Release: release,
	}
	if extra.control != nil {
		child.Ends.Control = extra.control
	}
	if extra.stacks != nil {
		child.Stacks = extra.stacks
	}
	return child, nil
}

// start starts the process. The caller keeps the descriptors.
func (o startOrder) start() (*process, error) {
	cmd := &exec.Cmd{
		Path: o.Path, Args: o.Args, Dir: o.Dir, Env: o.Env,
		Stdin: o.files[0], Stdout: o.files[1], Stderr: o.files[2], ExtraFiles: o.files[3:],
		SysProcAttr: ownGroup(),
	}
	if o.Identity != nil { // /dev/stdout and /dev/stderr are opened with the rights of the pipe's owner
		if err := o.files[2].Chown(int(o.Identity.UID), int(o.Identity.GID)); err != nil && !errors.Is(err, syscall.EPERM) { // EPERM: the start reports it
			return nil, err
		}
	}
	o.Cgroup = o.Cgroup.named()
	err := Track(func() (int, error) {
		if err := o.startAs(cmd); err != nil {
			return 0, err
		}
		return cmd.Process.Pid, nil
	})
	if err != nil {
		if o.Cgroup.limits() {
			o.Cgroup.branch().prune()
		}
		return nil, startError(o.Args[0], err)
	}
	p := &process{cmd: cmd, branch: o.Cgroup.branch()}
	if o.Cgroup != nil && !o.Cgroup.limits() { // it waits for its Boot message: nothing of the app has run
		p.hold(o.Cgroup)
	}
	return p, nil
}

// named returns the leaf with a name for the control group of one process; nil stays nil.
func (c *Cgroup) named() *Cgroup {
	if c == nil {
		return nil
	}
	one := *c
	one.Name = "worker-" + RandomHex()
	return &one
}

// hold puts a running process into its control group below c. The process runs without one when that fails: a signal to its
// process group reaches nearly all that it starts.
func (p *process) hold(c *Cgroup) {
	if err := c.take(p.Pid()); err != nil {
		p.branch, p.loose = "", err.Error()
		return
	}
	p.branch = c.branch()
}

func startError(path string, err error) error {
	if errors.As(err, new(*confineError)) {
		return err
	}
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

// fdSet collects the pipe ends that are made for one child, and keeps the first error.
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
	cmd    *exec.Cmd
	branch branch // the control group that it lives in; empty: none of its own
	loose  string // why it has none although it should have one

	mu     sync.Mutex
	reaped bool
	left   string // the processes in its control group when it was killed
}

func (p *process) Pid() int { return p.cmd.Process.Pid }

// RandomHex makes 16 hex digits that nobody can guess.
func RandomHex() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
