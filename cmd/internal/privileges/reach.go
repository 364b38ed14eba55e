package compose

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/supervisor/process"
)

// users are all whom this process and its workers will run as, but for who we are.
func users(cfg *config.Config) []process.Identity {
	var out []process.Identity
	if cfg.Account.Identity != nil {
		out = append(out, *identity(cfg.Account.Identity))
	}
	for i := range cfg.Apps {
		if id := cfg.Apps[i].Confine.Identity; id != nil {
			out = append(out, *identity(id))
		}
	}
	return out
}

// reachableDirs are those of the run-time folders that all users can get to; what does
// not exist yet is made, so that our umask does not close it.
func reachableDirs(dirs []string, ids []process.Identity) []string {
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
			if unreachable(dir, id) != nil {
				continue next
			}
		}
		out = append(out, dir)
	}
	return out
}

// unreachable says which folder on the way to path the user may not enter; nil: there
// is none. It knows permissions, not access control lists.
func unreachable(path string, id process.Identity) error {
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
