package privileges

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/supervisor/process"
)

// Privileges are what this process may do and its workers may not. They are complete once
// Drop has returned, before the first worker is started.
type Privileges struct {
	became  *process.Identity // the user that this process has become; nil: it has kept its own
	helper  *process.Helper   // nil: no app needs it
	base    string            // the control group above those of the apps; empty: there is none
	limited bool              // base has controllers, so the groups of the apps can have limits
	groups  []*process.Cgroup // of the apps that were configured at the start
	loading bool              // apps are only loaded, to check them: without control groups
}

// New returns the privileges of a server before Drop.
func New() *Privileges { return &Privileges{} }

// ForLoading returns the privileges of a command that only loads apps: nothing is dropped,
// and workers get no control group.
func ForLoading() *Privileges { return &Privileges{loading: true} }

// Identity converts a user for the supervisor; nil stays nil.
func Identity(id *config.Identity) *process.Identity {
	if id == nil {
		return nil
	}
	return &process.Identity{UID: id.UID, GID: id.GID, Groups: id.Groups}
}

// userOf is the user that the app's workers run as; nil: none is configured.
func userOf(cfg *config.Config, a *config.App) *config.Identity {
	if a.Confine.Identity != nil {
		return a.Confine.Identity
	}
	return cfg.Account.Identity
}

// Confine adds to a command what the app's workers are confined to.
func (p *Privileges) Confine(cfg *config.Config, a *config.App, c process.Command) (process.Command, error) {
	id := userOf(cfg, a)
	c.Identity = Identity(id)
	if id != nil {
		c.Env = environOf(id, c.Env, a.Environ())
	}
	c.Limits = process.Limits{
		Umask: a.Confine.Umask, Nice: a.Confine.Nice, AS: a.Confine.LimitAS, Nofile: int64(a.Confine.LimitNofile), Nproc: int64(a.Confine.LimitNproc),
		CPU: int64((a.Confine.LimitCPU + time.Second - 1) / time.Second), NoNewPrivs: a.Confine.NoNewPrivs == "on",
	}
	if a.Confine.Cgrouped() && !p.limited && !p.loading {
		return c, errors.New("a control group that is new in the configuration needs a restart")
	}
	if p.hasGroup(a) {
		c.Cgroup = p.group(a)
	}
	return c, nil
}

// hasGroup reports whether the app gets a control group. A group without limits only ends
// what its workers leave behind, so an app gets one where that costs nothing.
func (p *Privileges) hasGroup(a *config.App) bool {
	switch {
	case p.base == "" || p.loading:
		return false
	case a.Confine.Cgrouped():
		return true
	case p.helper != nil && a.Confine.NeedsRoot: // the helper creates only the groups that it was given at its start
		path := p.group(a).Path
		return slices.ContainsFunc(p.groups, func(g *process.Cgroup) bool { return g.Path == path })
	}
	return p.limited || p.became == nil
}

func (p *Privileges) group(a *config.App) *process.Cgroup {
	return &process.Cgroup{Path: filepath.Join(p.base, "app-"+a.Name), MemoryMax: a.Confine.MemoryMax, CPUMax: a.Confine.CPUMax, PidsMax: int64(a.Confine.PidsMax)}
}

// Give returns a function that makes a request body's file the property of the app's user;
// nil: the app's workers run as this process.
func (p *Privileges) Give(a *config.App) func(*os.File) error {
	id := Identity(a.Confine.Identity)
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

// HelperGone is closed when the helper process has ended; nil: there is none. Its apps
// can get no further worker then, and only root can start another helper.
func (p *Privileges) HelperGone() <-chan struct{} {
	if p.helper == nil {
		return nil
	}
	return p.helper.Done()
}

// End ends the helper and removes the control groups. The workers have ended.
func (p *Privileges) End() {
	if p.helper != nil {
		p.helper.Close()
	}
	for _, g := range p.groups {
		g.Remove()
	}
}
