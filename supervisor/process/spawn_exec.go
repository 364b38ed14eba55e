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
	p, err := makePipes()
	if err != nil {
		return nil, err
	}
	defer p.closeTheirs()
	path, err := exec.LookPath(c.Args[0])
	if err != nil && !errors.Is(err, exec.ErrDot) {
		p.closeOurs()
		return nil, startError(c.Args[0], err)
	}
	started, err := start(startOrder{
		Path: path, Args: c.Args, Dir: c.Dir,
		Env:      append(append([]string(nil), c.Env...), "STANDPIPE_NONCE="+hex.EncodeToString(p.nonce)),
		Identity: c.Identity, Limits: c.Limits, Cgroup: c.Cgroup,
		files: p.theirs(),
	}, p.release)
	if err != nil {
		p.closeOurs()
		return nil, err
	}
	return p.child(started), nil
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

type process struct {
	cmd    *exec.Cmd
	branch branch // the control group that it lives in; empty: none of its own
	loose  string // why it has none although it should have one

	mu     sync.Mutex
	reaped bool
	left   string // the processes in its control group when it was killed
}

func (p *process) Pid() int { return p.cmd.Process.Pid }

// RandomHex makes 16 hex digits that cannot be guessed.
func RandomHex() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
