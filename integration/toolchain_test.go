package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestToolchain compares the Go that built the binary with the toolchain line of go.mod.
func TestToolchain(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile(filepath.Join(repoDir(), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	var want string
	for line := range strings.Lines(string(mod)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "toolchain "); ok {
			want = name
		}
	}
	if want == "" {
		t.Fatal("go.mod has no toolchain line")
	}
	out, err := exec.Command(built.binary, "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "("+want+",") {
		t.Errorf("standpipe version prints %q; go.mod says %s", strings.TrimSpace(string(out)), want)
	}
}
