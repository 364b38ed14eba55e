package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	firstCell = regexp.MustCompile("(?m)^\\| (`[^|]*`) \\| (?:ours|instead|not needed|not yet) \\|")
	codeSpan  = regexp.MustCompile("`([^`]+)`")
)

// The tables of docs/migrating name each argument of the Waitress and each flag of the Granian that are installed, and no other.
func TestOptionsOfInstalledServers(t *testing.T) {
	t.Parallel()
	for page, program := range map[string]string{
		"waitress": "from waitress.adjustments import Adjustments\nprint('app', 'call', *(name for name, _ in Adjustments._params))",
		"granian":  "from granian.cli import cli\nprint('app', *(o for p in cli.params for o in p.opts + p.secondary_opts if o[0] == '-'))",
	} {
		cmd := exec.Command(python(t), "-c", program)
		out, err := cmd.Output()
		if page == "granian" && err != nil && exec.Command(python(t), "-c", "import sys; sys.exit(sys.version_info >= (3, 10))").Run() == nil {
			continue // it is not made for this Python
		}
		if err != nil {
			t.Fatalf("%s: %v (after a change of requirements.txt: make testenv)", page, err)
		}
		text, err := os.ReadFile(filepath.Join(repoDir(), "docs", "migrating", page+".md"))
		if err != nil {
			t.Fatal(err)
		}
		var named []string
		for _, row := range firstCell.FindAllStringSubmatch(string(text), -1) {
			for _, name := range codeSpan.FindAllStringSubmatch(row[1], -1) {
				named = append(named, name[1])
			}
		}
		theirs := strings.Fields(string(out))
		for _, name := range theirs {
			if !slices.Contains(named, name) {
				t.Errorf("docs/migrating/%s.md has no row for %s", page, name)
			}
		}
		for _, name := range named {
			if !slices.Contains(theirs, name) {
				t.Errorf("docs/migrating/%s.md: there is no %s", page, name)
			}
		}
		if len(named) < 30 {
			t.Errorf("%s: only %d names", page, len(named))
		}
	}
}
