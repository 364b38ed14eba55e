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

// Instance is a standpipe that answers.
type Instance struct {
	Path   string
	Status admin.Status
}

// answerTime is how long a standpipe may take to say that it is there.
const answerTime = 2 * time.Second

// Find returns those that answer on a socket in one of the folders, and the sockets
// that we may not use.
func Find(ctx context.Context, dirs []string) (list []Instance, denied []string) {
	seen := map[int]bool{} // by pid: two of the names may be one folder
	for _, dir := range dirs {
		if !trusted(dir) {
			continue
		}
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if e.Type() != os.ModeSocket || filepath.Ext(e.Name()) != ".sock" {
				continue
			}
			path := filepath.Join(dir, e.Name())
			i := Instance{Path: path}
			c := New(path)
			short, cancel := context.WithTimeout(ctx, answerTime)
			err := c.Get(short, "/v1/status", nil, &i.Status)
			cancel()
			c.Close()
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
