package laws

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var exampleCall = regexp.MustCompile(`\b(?:example|startBehind)\(t, "([^"]+)"`)

// TestExamples: each folder of examples/ has a README, a Dockerfile, a unit that is hardened as the package's is, and a test; the README
// of examples/ names it.
func TestExamples(t *testing.T) {
	t.Parallel()
	folders, err := os.ReadDir(filepath.Join(root, "examples"))
	if err != nil {
		t.Fatal(err)
	}
	files := tracked(t, "")
	var tested []string
	for _, name := range files {
		if strings.HasPrefix(name, "integration/") && strings.HasSuffix(name, "_test.go") {
			for _, m := range exampleCall.FindAllStringSubmatch(read(t, name), -1) {
				tested = append(tested, m[1])
			}
		}
	}
	overview := read(t, "examples/README.md")
	_, hardening, _ := strings.Cut(read(t, "packaging/linux/standpipe.service"), "\nCapabilityBoundingSet=")
	hardening, _, _ = strings.Cut(hardening, "[Install]")
	n := 0
	for _, f := range folders {
		if !f.IsDir() {
			continue
		}
		n++
		dir := "examples/" + f.Name() + "/"
		for _, name := range []string{"README.md", "Dockerfile", ".dockerignore"} {
			if !slices.Contains(files, dir+name) {
				t.Errorf("%s has no %s", dir, name)
			}
		}
		if !slices.Contains(tested, f.Name()) {
			t.Errorf("no test in integration/ starts %s: example(t, %q)", dir, f.Name())
		}
		if !strings.Contains(overview, "]("+f.Name()+"/README.md)") {
			t.Errorf("examples/README.md has no link to %s", dir)
		}
		units := slices.DeleteFunc(slices.Clone(files), func(name string) bool {
			return !strings.HasPrefix(name, dir) || !strings.HasSuffix(name, ".service")
		})
		if len(units) == 0 {
			t.Errorf("%s has no unit of systemd", dir)
		}
		for _, unit := range units {
			lines := strings.Split(read(t, unit), "\n")
			for line := range strings.Lines(hardening) {
				line = strings.TrimSpace(line)
				if setting, _, is := strings.Cut(line, "="); is && !strings.HasPrefix(line, "#") && setting != "" && setting == strings.TrimSpace(setting) && !slices.Contains(lines, line) {
					t.Errorf("%s: the unit of the package has %s", unit, line)
				}
			}
		}
	}
	if n < 7 {
		t.Errorf("%d examples", n)
	}
}
