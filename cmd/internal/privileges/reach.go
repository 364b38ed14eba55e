package privileges

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/supervisor/process"
)

// users are the users that this process and its workers will run as, without the present one.
func users(cfg *config.Config) []process.Identity {
	var out []process.Identity
	if cfg.Account.Identity != nil {
		out = append(out, *Identity(cfg.Account.Identity))
	}
	for i := range cfg.Apps {
		if id := cfg.Apps[i].Confine.Identity; id != nil {
			out = append(out, *Identity(id))
		}
	}
	return out
}

// Reachable returns those of the folders that all users of the configuration can enter. A
// folder that does not exist is created, so that our umask does not close it.
func Reachable(cfg *config.Config, dirs []string) []string {
	ids := users(cfg)
	if len(ids) == 0 {
		return dirs
	}
	var out []string
next:
	for _, dir := range dirs {
		if _, err := os.Stat(dir); os.IsNotExist(err) && os.MkdirAll(dir, 0o755) == nil {
			_ = os.Chmod(dir, 0o755)
		}
		for _, id := range ids {
			if Unreachable(dir, id) != nil {
				continue next
			}
		}
		out = append(out, dir)
	}
	return out
}

// Unreachable says which folder on the way to path the user may not enter; nil: none. It
// looks at modes, not at access control lists.
func Unreachable(path string, id process.Identity) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if id.UID == 0 {
		return nil
	}
	for dir := real; ; dir = filepath.Dir(dir) {
		st, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if !mayEnter(st, id) {
			return fmt.Errorf("the mode of %s is %04o", dir, st.Mode().Perm())
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// Unreadable says why the user cannot list a folder; nil: the user can.
func Unreadable(dir string, id process.Identity) error {
	if err := Unreachable(dir, id); err != nil || id.UID == 0 {
		return err
	}
	if st, err := os.Stat(dir); err == nil && !mayRead(st, id) {
		return fmt.Errorf("the mode of %s is %04o", dir, st.Mode().Perm())
	}
	return nil
}
