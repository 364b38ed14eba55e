package acme

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/caddyserver/certmagic"
)

// OpenFolder returns the storage in a folder, which it makes with mode 0700. Several processes may share it: a lock is a file,
// which its holder refreshes, and which expires with it.
func OpenFolder(dir string) (certmagic.Storage, error) {
	// Folders above it are for all, as /var/lib is: root's /var/lib/standpipe is on the way of the user that the process becomes.
	err := os.MkdirAll(filepath.Dir(dir), 0o755)
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("the folder of the certificates: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("the folder of the certificates: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("the folder of the certificates: %w", &fs.PathError{Op: "open", Path: dir, Err: errors.New("not a folder")})
	}
	if info.Mode().Perm()&0o077 != 0 {
		// The keys' files are 0600 in any case; a folder that others can list tells them the names.
		if err := os.Chmod(dir, 0o700); err != nil {
			return nil, fmt.Errorf("the folder of the certificates: %w", err)
		}
	}
	return &certmagic.FileStorage{Path: dir}, nil
}
