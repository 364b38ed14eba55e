package laws

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// root is the repository, seen from this package.
const root = "../.."

// tracked returns the files of the tree whose names end in one of endings: what git tracks, and what it would if it were added.
func tracked(t *testing.T, endings ...string) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	var list []string
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSuffix(name, "\n")
		for _, e := range endings {
			if !strings.HasSuffix(name, e) {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, name)); err == nil { // a file that was removed and is not committed yet
				list = append(list, name)
			}
			break
		}
	}
	if len(list) == 0 {
		t.Fatalf("found no file that ends in %v", endings)
	}
	return list
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// isTest tells whether a file is part of the tests: what only tests and benchmarks use may repeat itself.
func isTest(name string) bool {
	return strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "integration/") || strings.Contains(name, "/tests/") ||
		strings.Contains(name, "test/")
}
