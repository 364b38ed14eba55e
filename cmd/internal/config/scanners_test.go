package config

import (
	"os"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/bridge/limit"
)

// docs/limits.md has the whole list of scanners' paths.
func TestScannersAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range limit.ScannerPaths() {
		if !strings.Contains(string(page), "`"+path+"`") {
			t.Errorf("docs/limits.md does not name %s", path)
		}
	}
}

func TestScannerMistakes(t *testing.T) {
	t.Parallel()
	p := newProject(t, "app.py")
	p.toml("scanners = \"ban\"\nscanner_paths = [\"a/b\"]\nscanner_except = [\"/wp-json\", \"/none\"]\nscanner_ban_for = \"0\"\n")
	_, _, err := Load(p.in)
	for _, want := range []string{
		"standpipe.toml:2: scanner_paths: \"a/b\" is not a path", "standpipe.toml:3: scanner_except: the built-in list has no \"/wp-json\"; did you mean \"/wp-json/\"?",
		"standpipe.toml:3: scanner_except: the built-in list has no \"/none\"", "standpipe.toml:4: scanner_ban_for is 0; it is 1s to 30 days",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}
