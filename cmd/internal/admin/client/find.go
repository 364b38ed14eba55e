package client

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/admin"
)

// Instance is a running server that responds.
type Instance struct {
	Path   string
	Status admin.Status
	// Users are the uids that it belongs to, as the kernel knows them: the owner of its socket, and the user that started
	// it. The status of another user's process could claim anything.
	Users []int
}

// IsOf reports whether the server belongs to the user.
func (i *Instance) IsOf(uid int) bool { return slices.Contains(i.Users, uid) }

// Serves reports whether the server belongs to a folder: it was started there, its configuration file is there, or one
// of its apps is. Symbolic links are resolved.
func (i *Instance) Serves(dir string) bool {
	dir = resolved(dir)
	return slices.ContainsFunc(i.Status.Folders, func(f string) bool { return resolved(f) == dir })
}

func resolved(dir string) string {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return real
	}
	return filepath.Clean(dir)
}

// answerTime is how long a server may take to respond.
const answerTime = 5 * time.Second

// Find returns the servers that respond on a socket in one of the folders, and the sockets that
// this user may not use.
func Find(ctx context.Context, dirs []string) (list []Instance, denied []string) {
	seen := map[int]bool{} // by pid: two of the names may be one folder
	for _, dir := range dirs {
		if !trusted(dir) {
			continue
		}
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			switch {
			case filepath.Ext(path) != ".sock":
				continue
			case e.Type() == os.ModeSymlink: // to one at a path of its own (admin.Location.Announce)
				target, err := os.Readlink(path)
				if err != nil {
					continue
				}
				path = target
			case e.Type() != os.ModeSocket:
				continue
			}
			i, err := Ask(ctx, path)
			switch {
			case errors.Is(err, os.ErrPermission):
				denied = append(denied, path)
			case err == nil && !seen[i.Status.Pid]:
				seen[i.Status.Pid] = true
				list = append(list, i)
			}
		}
	}
	slices.SortFunc(list, func(a, b Instance) int { return a.Status.Pid - b.Status.Pid })
	return list, denied
}

// Ask returns the server that responds on the socket at path.
func Ask(ctx context.Context, path string) (Instance, error) {
	i := Instance{Path: path}
	c := New(path)
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	err := c.Get(ctx, "/v1/status", nil, &i.Status)
	if err == nil {
		i.Users = owners(ctx, path)
	}
	return i, err
}
