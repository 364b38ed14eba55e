//go:build unix

package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// confineArg is the hidden first argument of this program that calls RunConfined.
const confineArg = "__exec"

// confined is the order to RunConfined: what to apply, then what to run.
type confined struct {
	Path     []byte // not text: JSON would change what is not UTF-8
	Dir      []byte
	Identity *Identity `json:",omitempty"`
	Limits   Limits
	Cgroup   *Cgroup `json:",omitempty"`
	Status   int     // the descriptor for the setting that failed
}

// Limits of the answer of "standpipe __exec", and how long an exec may take.
const (
	maxStatus   = 4 << 10
	execTimeout = 30 * time.Second
)

// startAs starts cmd as the user of the order and within its limits. What os/exec cannot set is applied by this same program,
// run as "standpipe __exec", which then becomes the command: startAs returns when it has become it, or with the setting that
// could not be applied.
func (o startOrder) startAs(cmd *exec.Cmd) error {
	if o.Limits.none() && !o.Cgroup.limits() {
		if id := o.Identity; id != nil {
			cmd.SysProcAttr.Credential = &syscall.Credential{Uid: id.UID, Gid: id.GID, Groups: id.Groups}
		}
		if err := cmd.Start(); err != nil {
			if o.Identity != nil && errors.Is(err, syscall.EPERM) {
				return &confineError{fmt.Sprintf("user %d, group %d", o.Identity.UID, o.Identity.GID), syscall.EPERM}
			}
			return err
		}
		if o.Identity == nil {
			spare(cmd.Process.Pid)
		}
		return nil
	}
	if o.Identity == nil && o.Limits.Nproc == 0 {
		o.Limits.Nproc = limitForWorkers()
	}
	self, err := ownProgram()
	if err != nil {
		return err
	}
	told, tell, err := os.Pipe()
	if err != nil {
		return err
	}
	defer told.Close()
	c := confined{Path: []byte(cmd.Path), Dir: []byte(cmd.Dir), Identity: o.Identity, Limits: o.Limits, Status: 3 + len(cmd.ExtraFiles)}
	if o.Cgroup.limits() {
		c.Cgroup = o.Cgroup
	}
	spec, err := json.Marshal(c)
	if err != nil {
		tell.Close()
		return err
	}
	cmd.Args = append([]string{"standpipe", confineArg, string(spec)}, cmd.Args...)
	cmd.Path, cmd.Dir = self, ""
	cmd.ExtraFiles = append(cmd.ExtraFiles[:len(cmd.ExtraFiles):len(cmd.ExtraFiles)], tell)
	err = cmd.Start()
	tell.Close()
	if err != nil {
		return err
	}
	_ = told.SetReadDeadline(time.Now().Add(execTimeout))
	text, err := io.ReadAll(io.LimitReader(told, maxStatus))
	if err == nil && len(text) == 0 { // closed by the exec
		return nil
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil {
		return err
	}
	what, why, _ := strings.Cut(string(text), "\n")
	return &confineError{what, errors.New(why)}
}

// ownProgram is the path of this program, also when another file has its name now, or when its folder is closed to our user.
func ownProgram() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	return os.Executable()
}

// RunConfined is the whole of "standpipe __exec SPEC ARGV...": it applies SPEC and becomes ARGV. It returns only when that
// failed; the parent knows the reason then.
func RunConfined(args []string) error {
	// Niceness and no_new_privs belong to one thread: the thread that calls exec must have them.
	runtime.LockOSThread()
	var c confined
	if len(args) < 2 {
		return errors.New("too few arguments")
	}
	if err := json.Unmarshal([]byte(args[0]), &c); err != nil {
		return err
	}
	unix.CloseOnExec(c.Status)
	what, err := c.apply()
	if err == nil {
		path := string(c.Path)
		what, err = "the command "+path, syscall.Exec(path, args[1:], os.Environ())
	}
	_, _ = unix.Write(c.Status, []byte(what+"\n"+err.Error()))
	return fmt.Errorf("cannot apply %s: %w", what, err)
}

// apply confines this process. Settings that need privileges come first; limits that could hurt the Go runtime come last.
func (c *confined) apply() (what string, err error) {
	l := c.Limits
	if c.Cgroup != nil {
		if err := c.Cgroup.enter(); err != nil {
			return "the control group " + c.Cgroup.Path, err
		}
	}
	if l.Nice != nil {
		if err := unix.Setpriority(unix.PRIO_PROCESS, 0, *l.Nice); err != nil {
			return fmt.Sprintf("nice %d", *l.Nice), err
		}
	}
	late := []rlimit{}
	for _, r := range []rlimit{
		{"limit_cpu", unix.RLIMIT_CPU, l.CPU}, {"limit_nofile", unix.RLIMIT_NOFILE, l.Nofile},
		{"limit_nproc", rlimitNproc, l.Nproc}, {"limit_as", unix.RLIMIT_AS, l.AS},
	} {
		switch {
		case r.value == 0:
		case r.lowers(): // needs no privilege
			late = append(late, r)
		default:
			if err := r.set(); err != nil {
				return r.String(), err
			}
		}
	}
	if id := c.Identity; id != nil {
		if err := id.become(); err != nil {
			return fmt.Sprintf("user %d, group %d", id.UID, id.GID), err
		}
	}
	if len(c.Dir) > 0 {
		if err := os.Chdir(string(c.Dir)); err != nil {
			return "the app's dir", err
		}
	}
	if l.Umask != nil {
		unix.Umask(*l.Umask)
	}
	if l.NoNewPrivs {
		if err := noNewPrivs(); err != nil {
			return "no_new_privs", err
		}
	}
	for _, r := range late {
		if err := r.set(); err != nil {
			return r.String(), err
		}
	}
	return "", nil
}

// become changes the user and the groups of the whole process for good.
func (i *Identity) become() error {
	groups := make([]int, len(i.Groups))
	for n, g := range i.Groups {
		groups[n] = int(g)
	}
	if err := syscall.Setgroups(groups); err != nil {
		return fmt.Errorf("setgroups: %w", err)
	}
	if err := setgid(int(i.GID)); err != nil {
		return fmt.Errorf("setgid: %w", err)
	}
	if err := setuid(int(i.UID)); err != nil {
		return fmt.Errorf("setuid: %w", err)
	}
	return nil
}

// Become makes this process, with all its threads, run as id from now on. It cannot be undone. It needs root.
func Become(id Identity) error { return id.become() }

type rlimit struct {
	name  string
	which int
	value int64
}

func (r rlimit) String() string { return fmt.Sprintf("%s %d", r.name, r.value) }

func (r rlimit) lowers() bool {
	var now syscall.Rlimit
	return syscall.Getrlimit(r.which, &now) == nil && uint64(r.value) <= uint64(now.Max)
}

// set sets both limits. It uses syscall, not x/sys, because syscall tells os/exec that RLIMIT_NOFILE must not be restored.
// Processor time has a second between SIGXCPU and SIGKILL.
func (r rlimit) set() error {
	lim := syscall.Rlimit{}
	assign(&lim.Cur, r.value)
	assign(&lim.Max, r.value)
	if r.which == unix.RLIMIT_CPU {
		assign(&lim.Max, r.value+1)
	}
	return syscall.Setrlimit(r.which, &lim)
}

// assign is for a field that has another type on some systems.
func assign[T int64 | uint64](p *T, v int64) { *p = T(v) }
