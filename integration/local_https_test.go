package integration

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Root makes the folder of automatic certificates for the user that it becomes, who can use it although the folders above it are
// new too.
func TestAutomaticFolderUnderUser(t *testing.T) {
	t.Parallel()
	uid, _ := account(t, "nobody")
	needRoot(t)
	dir := filepath.Join(project(t, map[string]string{}), "lib", "standpipe", "certificates")
	s := privileged(t, opts{Listen: []string{"https://127.0.0.1:0"},
		Args: []string{"--user", "nobody", "-w", "1", "--https", "shop.example.test", "--acme-ca", "https://127.0.0.1:1/dir", "--acme-storage", dir}})
	s.waitEvent("certificate_failed")
	s.must("certs") // the failure is stored before this is answered, or its error is logged
	if list := s.events("certificate_storage"); len(list) > 0 {
		t.Error(list)
	}
	if info, err := os.Stat(dir); err != nil || int(info.Sys().(*syscall.Stat_t).Uid) != uid || info.Mode().Perm() != 0o700 {
		t.Error(info, err)
	}
}
