package privileges

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/supervisor/process"
)

// Drop does what needs root privileges, and then drops them if the configuration names a
// user. It is called once. runtime is the run-time folder; empty: there is none. The
// folder that comes back is the one in which the new user may write; empty: there is none.
func (p *Privileges) Drop(cfg *config.Config, runtime string) (writable string, err error) {
	if err := p.delegate(cfg); err != nil {
		return "", err
	}
	id := Identity(cfg.Account.Identity)
	if id == nil {
		return runtime, nil
	}
	if runtime != "" {
		runtime = userFolder(runtime, *id)
	}
	if err := p.startHelper(cfg, *id); err != nil {
		return "", err
	}
	if err := process.Become(*id); err != nil {
		return "", fmt.Errorf("cannot become %s: %w", cfg.Account.Identity, err)
	}
	p.became = id
	return runtime, nil
}

// delegate prepares the control group above those of the apps.
func (p *Privileges) delegate(cfg *config.Config) (err error) {
	controllers, first := controllersOf(cfg)
	if controllers == nil {
		p.base = process.AtHand()
	} else if p.base, err = process.Delegate(controllers, Identity(cfg.Account.Identity)); err != nil {
		return fmt.Errorf("%s cannot be applied: %w", first, err)
	}
	if p.base == "" {
		return nil
	}
	p.limited = controllers != nil
	for i := range cfg.Apps {
		p.groups = append(p.groups, p.group(&cfg.Apps[i]))
	}
	return nil
}

// controllersOf are the controllers that the limits of the apps need; first is the setting
// that needs the first of them.
func controllersOf(cfg *config.Config) (controllers []string, first string) {
	for i := range cfg.Apps {
		a := &cfg.Apps[i]
		for _, c := range []struct {
			name string
			set  bool
		}{{"memory", a.Confine.MemoryMax > 0}, {"cpu", a.Confine.CPUMax > 0}, {"pids", a.Confine.PidsMax > 0}} {
			if !c.set || slices.Contains(controllers, c.name) {
				continue
			}
			controllers = append(controllers, c.name)
			if first == "" {
				first = fmt.Sprintf("%s_max of app %q", c.name, a.Name)
			}
		}
	}
	return controllers, first
}

// startHelper starts the helper process if an app needs it once this process is id.
func (p *Privileges) startHelper(cfg *config.Config, id process.Identity) (err error) {
	table := helperTable(cfg, id)
	if table.Allow == nil {
		return nil
	}
	for _, g := range p.groups {
		table.Cgroups = append(table.Cgroups, g.Path)
	}
	p.helper, err = process.StartHelper(table)
	return err
}

// helperTable lists the users that the helper may start workers as, and for each of them
// the interpreters; no interpreter means any.
func helperTable(cfg *config.Config, owner process.Identity) process.HelperTable {
	table := process.HelperTable{ServerUID: owner.UID}
	for i := range cfg.Apps {
		a := &cfg.Apps[i]
		if !a.Confine.NeedsRoot {
			continue
		}
		id := *Identity(userOf(cfg, a))
		n := slices.IndexFunc(table.Allow, func(e process.HelperEntry) bool { return e.Identity.Equal(id) })
		switch {
		case n < 0:
			table.Allow = append(table.Allow, process.HelperEntry{Identity: id})
			n = len(table.Allow) - 1
		case len(table.Allow[n].Programs) == 0:
			continue // another app of this user has an unknown interpreter
		}
		if a.Interpreter.Path == "" {
			table.Allow[n].Programs = nil // not known yet
			continue
		}
		table.Allow[n].Programs = append(table.Allow[n].Programs, a.LinkPython) // the interpreter of each release follows from it
	}
	return table
}

// userFolder makes a folder inside the run-time folder in which the user may write that
// this process is about to become; empty: there can be none.
func userFolder(runtime string, id process.Identity) string {
	dir := filepath.Join(runtime, "user-"+strconv.FormatUint(uint64(id.UID), 10))
	if err := os.Mkdir(dir, 0o711); err != nil && !os.IsExist(err) {
		return ""
	}
	// Only root can have made it: shim_py.Extract ensures that.
	if st, err := os.Lstat(dir); err != nil || !st.IsDir() {
		return ""
	}
	if os.Lchown(dir, int(id.UID), int(id.GID)) != nil || os.Chmod(dir, 0o711) != nil {
		return ""
	}
	return dir
}
