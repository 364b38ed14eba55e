package compose

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/supervisor/process"
)

// privileges are what this process may do and its workers may not. It is complete
// once Prepare has returned, before the first worker is started.
type privileges struct {
	became  *process.Identity // whom this process became; nil: it is what it was
	helper  *process.Helper   // nil: nobody needs it
	base    string            // the control group that has the apps' leaves; empty: there is none
	divided bool              // it has controllers, so that leaves can have limits
	leaves  []*process.Cgroup // of the apps that were there at the start
	looks   bool              // an app is only loaded, to see whether it can be: without a control group
}

// identity is for the supervisor; nil stays nil.
func identity(id *config.Identity) *process.Identity {
	if id == nil {
		return nil
	}
	return &process.Identity{UID: id.UID, GID: id.GID, Groups: id.Groups}
}

// runsAs is whom the app's workers run as; nil: nobody has said.
func runsAs(cfg *config.Config, a *config.App) *config.Identity {
	if a.Confine.Identity != nil {
		return a.Confine.Identity
	}
	return cfg.Account.Identity
}

// confine adds to a command what the app's workers are confined to.
func (p *privileges) confine(cfg *config.Config, a *config.App, c process.Command) (process.Command, error) {
	id := runsAs(cfg, a)
	c.Identity = identity(id)
	if id != nil {
		c.Env = homeEnviron(c.Env, a.Environ(), id)
	}
	c.Limits = process.Limits{
		Umask: a.Confine.Umask, Nice: a.Confine.Nice, AS: a.Confine.LimitAS, Nofile: int64(a.Confine.LimitNofile), Nproc: int64(a.Confine.LimitNproc),
		CPU: int64((a.Confine.LimitCPU + time.Second - 1) / time.Second), NoNewPrivs: a.Confine.NoNewPrivs == "on",
	}
	if a.Confine.Cgrouped() && !p.divided && !p.looks {
		return c, errors.New("a control group that is new in the configuration needs a restart")
	}
	if p.mayLeaf(a) {
		c.Cgroup = p.leaf(a)
	}
	return c, nil
}

// mayLeaf: the app has a control group. One without limits only ends what its workers
// leave behind, so it is had where it costs nothing.
func (p *privileges) mayLeaf(a *config.App) bool {
	switch {
	case p.base == "" || p.looks:
		return false
	case a.Confine.Cgrouped():
		return true
	case p.helper != nil && a.Confine.NeedsRoot: // it makes those that it was told of at its start
		path := p.leaf(a).Path
		return slices.ContainsFunc(p.leaves, func(l *process.Cgroup) bool { return l.Path == path })
	}
	return p.divided || p.became == nil
}

func (p *privileges) leaf(a *config.App) *process.Cgroup {
	return &process.Cgroup{Path: filepath.Join(p.base, "app-"+a.Name), MemoryMax: a.Confine.MemoryMax, CPUMax: a.Confine.CPUMax, PidsMax: int64(a.Confine.PidsMax)}
}

// homeEnviron puts the user's own HOME, USER and LOGNAME in the place of ours, unless
// the app sets them. Our XDG_RUNTIME_DIR is closed to the user.
func homeEnviron(env, apps []string, id *config.Identity) []string {
	theirs := []string{"HOME=" + id.Home, "USER=" + id.Name, "LOGNAME=" + id.Name}
	out := make([]string, 0, len(env)+len(theirs))
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		switch name {
		case "HOME", "USER", "LOGNAME", "XDG_RUNTIME_DIR":
			if !slices.Contains(apps, v) {
				continue
			}
			theirs = slices.DeleteFunc(theirs, func(t string) bool { return strings.HasPrefix(t, name+"=") })
		}
		out = append(out, v)
	}
	return append(out, theirs...)
}

// spawner starts the workers of one app.
type spawner struct {
	p *privileges
	a *config.App
}

// Spawn starts a worker by the helper where we ourselves may not.
func (s spawner) Spawn(c process.Command) (*process.Child, error) {
	who := c.Identity
	var child *process.Child
	var err error
	if s.p.helper != nil && s.a.Confine.NeedsRoot {
		child, err = s.p.helper.Spawn(c)
	} else {
		if s.p.became != nil && who != nil && who.Equal(*s.p.became) {
			c.Identity = nil
		}
		child, err = process.Exec{}.Spawn(c)
	}
	if err != nil && who != nil && strings.Contains(err.Error(), "permission denied") {
		for _, path := range []string{c.Dir, c.Args[0]} {
			if why := unreachable(path, *who); why != nil {
				return nil, fmt.Errorf("%w; user %d cannot get to %s: %w", err, who.UID, path, why)
			}
		}
	}
	return child, err
}

// give returns what makes a body's file the property of the app's user; nil: its
// workers run as we do.
func (p *privileges) give(a *config.App) func(*os.File) error {
	id := identity(a.Confine.Identity)
	if id == nil {
		return nil
	}
	return func(f *os.File) error {
		if p.helper != nil {
			return p.helper.Give(f, *id)
		}
		return f.Chown(int(id.UID), int(id.GID))
	}
}

// Prepare does what needs root, and then gives it up if the configuration says so. It
// is called once, when addresses and logs are open, before Start. What cannot be
// applied is an error: then only Stop is to be called.
func (s *Server) Prepare() error {
	cfg, p := s.Config(), s.privileges
	id := identity(cfg.Account.Identity)
	if err := p.delegate(cfg); err != nil {
		return err
	}
	runtime := s.RuntimeDir()
	if id != nil {
		if runtime != "" {
			runtime = ownFolder(runtime, *id)
		}
		if err := p.startHelper(cfg, *id); err != nil {
			return err
		}
		if err := process.Become(*id); err != nil {
			return fmt.Errorf("cannot become %s: %w", cfg.Account.Identity, err)
		}
		p.became = id
	}
	s.folder.log = s.log
	s.folder.shared = slices.ContainsFunc(cfg.Apps, func(a config.App) bool { return a.Confine.Identity != nil })
	s.folder.parents = func() []string { return append(spoolParents(cfg, runtime), spoolParents(cfg, s.RuntimeDir())...) }
	err := s.openSpool(cfg, spoolParents(cfg, runtime))
	if err != nil && cfg.Folders.Spool != "" && id != nil {
		return fmt.Errorf("%s cannot write to spool_dir %s: %w", cfg.Account.Identity, cfg.Folders.Spool, err)
	}
	return nil
}

// delegate makes room for the apps' control groups.
func (p *privileges) delegate(cfg *config.Config) (err error) {
	var controllers []string
	first := ""
	for i := range cfg.Apps {
		a := &cfg.Apps[i]
		for _, c := range []struct {
			name string
			set  bool
		}{{"memory", a.Confine.MemoryMax > 0}, {"cpu", a.Confine.CPUMax > 0}, {"pids", a.Confine.PidsMax > 0}} {
			if c.set && !slices.Contains(controllers, c.name) {
				controllers = append(controllers, c.name)
				if first == "" {
					first = fmt.Sprintf("%s_max of app %q", c.name, a.Name)
				}
			}
		}
	}
	if controllers == nil {
		p.base = process.AtHand()
	} else if p.base, err = process.Delegate(controllers, identity(cfg.Account.Identity)); err != nil {
		return fmt.Errorf("%s cannot be applied: %w", first, err)
	}
	if p.base == "" {
		return nil
	}
	p.divided = controllers != nil
	for i := range cfg.Apps {
		p.leaves = append(p.leaves, p.leaf(&cfg.Apps[i]))
	}
	return nil
}

// startHelper starts the helper if an app needs it once we are id.
func (p *privileges) startHelper(cfg *config.Config, id process.Identity) (err error) {
	table := process.HelperTable{Owner: id.UID}
	for i := range cfg.Apps {
		a := &cfg.Apps[i]
		if !a.Confine.NeedsRoot {
			continue
		}
		who := *identity(runsAs(cfg, a))
		n := slices.IndexFunc(table.Allow, func(e process.HelperEntry) bool { return e.Identity.Equal(who) })
		switch {
		case n < 0:
			table.Allow = append(table.Allow, process.HelperEntry{Identity: who})
			n = len(table.Allow) - 1
		case len(table.Allow[n].Programs) == 0:
			continue // an interpreter that is not known yet: any
		}
		if a.Interpreter.Path == "" {
			table.Allow[n].Programs = nil
			continue
		}
		table.Allow[n].Programs = append(table.Allow[n].Programs, a.LinkPython) // each release's own follows from it
	}
	if table.Allow == nil {
		return nil
	}
	for _, leaf := range p.leaves {
		table.Cgroups = append(table.Cgroups, leaf.Path)
	}
	p.helper, err = process.StartHelper(table)
	return err
}

// HelperGone is closed when the helper has ended; nil: there is none. Its apps can have no
// further worker then, and without root nobody can make another helper.
func (s *Server) HelperGone() <-chan struct{} {
	if s.privileges.helper == nil {
		return nil
	}
	return s.privileges.helper.Done()
}

// end ends the helper and removes the leaves. The workers have ended.
func (p *privileges) end() {
	if p.helper != nil {
		p.helper.Close()
	}
	for _, leaf := range p.leaves {
		leaf.Remove()
	}
}

// ownFolder makes a folder inside the run-time folder in which the user that we are
// about to become may write; empty: there can be none.
func ownFolder(runtime string, id process.Identity) string {
	dir := filepath.Join(runtime, "user-"+strconv.FormatUint(uint64(id.UID), 10))
	if err := os.Mkdir(dir, 0o711); err != nil && !os.IsExist(err) {
		return ""
	}
	// Nobody but root can have put it there (shim_py.Extract sees to that).
	if st, err := os.Lstat(dir); err != nil || !st.IsDir() {
		return ""
	}
	if os.Lchown(dir, int(id.UID), int(id.GID)) != nil || os.Chmod(dir, 0o711) != nil {
		return ""
	}
	return dir
}
