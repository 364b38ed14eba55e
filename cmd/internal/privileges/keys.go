package privileges

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/localca"
	"github.com/standpipe/standpipe/supervisor/process"
)

// keyPaths are the files of private keys, and the folders of such files.
func keyPaths(cfg *config.Config) (paths []string) {
	if !cfg.SpeaksTLS() {
		return nil
	}
	for _, c := range cfg.AllCertificates() {
		paths = append(paths, c.Key)
	}
	if folder := cfg.ACME.Storage; cfg.Automatic() && folder != "" && folder != "redis" {
		paths = append(paths, folder)
	}
	if len(cfg.AutomaticNames().Local) > 0 {
		paths = append(paths, localca.KeyPath(cfg.ACME.LocalCA))
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// KeysApart returns an error if an app with a user of its own can read a private key of this server. It looks at modes, not at access
// control lists. What this process cannot look at is left out.
func KeysApart(cfg *config.Config) error {
	own := uint32(os.Geteuid())
	if id := cfg.Account.Identity; id != nil {
		own = id.UID
	}
	var list []error
	for i := range cfg.Apps {
		a := &cfg.Apps[i]
		id := Identity(a.Confine.Identity)
		if id == nil || id.UID == own || id.UID == 0 { // no mode keeps a file from root
			continue
		}
		for _, path := range keyPaths(cfg) {
			if st, way := exposed(path, *id); st != nil {
				list = append(list, fmt.Errorf("app %q runs as %s, which can read %s, a private key of this server (mode %04o): run `%s`", a.Name, a.Confine.Identity, path, st.Mode().Perm(), way))
			}
		}
	}
	return errors.Join(list...)
}

// exposed reports whether the user can read a file, or enter or list a folder: then st is not nil, and way is a command that prevents it.
func exposed(path string, id process.Identity) (st fs.FileInfo, way string) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil || Unreachable(filepath.Dir(real), id) != nil {
		return nil, ""
	}
	if st, err = os.Stat(real); err != nil || !mayRead(st, id) && (!st.IsDir() || !mayEnter(st, id)) {
		return nil, ""
	}
	switch way := deny(st, id); way {
	case "":
		return st, "chown root " + real
	default:
		return st, "chmod " + way + " " + real
	}
}

// UnreadableKeys are the files of private keys that this process cannot read again, as it has dropped privileges.
func (p *Privileges) UnreadableKeys(cfg *config.Config) (paths []string) {
	if cfg.Account.Identity == nil {
		return nil
	}
	for _, path := range keyPaths(cfg) {
		f, err := os.Open(path)
		if err == nil {
			f.Close()
		} else if errors.Is(err, fs.ErrPermission) {
			paths = append(paths, path)
		}
	}
	return paths
}

// SharedKeys are the apps that can read private keys because they run as the user that this process has become, and the first such
// key; none: it has none that it can read.
func (p *Privileges) SharedKeys(cfg *config.Config) (apps []string, path string) {
	if cfg.Account.Identity == nil || cfg.Account.Identity.UID == 0 {
		return nil, ""
	}
	unreadable := p.UnreadableKeys(cfg)
	for _, one := range keyPaths(cfg) {
		if path == "" && !slices.Contains(unreadable, one) {
			path = one
		}
	}
	if path == "" {
		return nil, ""
	}
	for i := range cfg.Apps {
		if id := cfg.Apps[i].Confine.Identity; id == nil || id.UID == cfg.Account.Identity.UID {
			apps = append(apps, cfg.Apps[i].Name)
		}
	}
	return apps, path
}
