package privileges

import (
	"fmt"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/supervisor/process"
)

// Spawner returns what starts the workers of an app.
func (p *Privileges) Spawner(a *config.App) process.Spawner { return spawner{p, a} }

type spawner struct {
	p *Privileges
	a *config.App
}

// Spawn starts a worker; the helper does it where this process may not.
func (s spawner) Spawn(c process.Command) (*process.Child, error) {
	id := c.Identity
	var child *process.Child
	var err error
	if s.p.helper != nil && s.a.Confine.NeedsRoot {
		child, err = s.p.helper.Spawn(c)
	} else {
		if s.p.became != nil && id != nil && id.Equal(*s.p.became) {
			c.Identity = nil
		}
		child, err = process.Exec{}.Spawn(c)
	}
	if err != nil && id != nil && strings.Contains(err.Error(), "permission denied") {
		for _, path := range []string{c.Dir, c.Args[0]} {
			if why := Unreachable(path, *id); why != nil {
				return nil, fmt.Errorf("%w; user %d cannot get to %s: %w", err, id.UID, path, why)
			}
		}
	}
	return child, err
}

// environOf is env with HOME, USER and LOGNAME of the user, unless the app sets them. It
// leaves out XDG_RUNTIME_DIR, whose folder the user cannot enter.
func environOf(id *config.Identity, env, apps []string) []string {
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
