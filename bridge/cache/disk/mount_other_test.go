//go:build !linux

package disk

import "testing"

func mountSmall(t *testing.T) string {
	t.Skip("SKIP[linux]: mounts a small tmpfs")
	return ""
}

func remountReadOnly(*testing.T, string) {}
