package laws

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestChangelog: Keep a Changelog. What is unreleased comes first, then the releases, the newest first.
func TestChangelog(t *testing.T) {
	t.Parallel()
	kinds := []string{"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
	release := regexp.MustCompile(`^## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d$`)
	var sections, inside, dates []string
	for line := range strings.Lines(read(t, "CHANGELOG.md")) {
		line = strings.TrimSuffix(line, "\n")
		if kind, ok := strings.CutPrefix(line, "### "); ok {
			if !slices.Contains(kinds, kind) || slices.Contains(inside, kind) {
				t.Errorf("%s: one of each of %q", line, kinds)
			}
			inside = append(inside, kind)
		}
		if strings.HasPrefix(line, "## ") {
			if sections, inside = append(sections, line), nil; line != "## [Unreleased]" && !release.MatchString(line) {
				t.Errorf("%s: not like ## [1.2.3] - 2026-01-31", line)
			} else if len(sections) > 1 {
				dates = append(dates, line[len(line)-10:])
			}
		}
	}
	if len(sections) == 0 || sections[0] != "## [Unreleased]" || !slices.IsSortedFunc(dates, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("the order of %q", sections)
	}
}

// TestReleaseNotes: the notes of a release are its section; a release without one is refused.
func TestReleaseNotes(t *testing.T) {
	t.Parallel()
	script := `import sys
sys.path.insert(0, sys.argv[1])
import notes
text = """# Changelog
## [Unreleased]
### Added
- new [page](docs/new.md)
## [1.2.0] - 2026-02-01
### Fixed
- [a](https://example.org/) and [b](docs/b.md)
## [1.1.0] - 2026-01-01

## [1.0.0] - 2025-12-01
- first
[1.0.0]: https://example.org/first
"""
assert notes.section(text, "1.2.0") == "### Fixed\n- [a](https://example.org/) and [b](https://github.com/standpipe/standpipe/blob/v1.2.0/docs/b.md)\n"
assert notes.section(text, "1.0.0") == "- first\n"
assert notes.section(text, "1.3.0-rc.1").startswith("### Added\n- new [page](https://github.com/standpipe/standpipe/blob/v1.3.0-rc.1/")
for missing in ("1.1.0", "1.3.0", "1x2.0", "2.0"):
    try:
        raise SystemExit(missing + ": " + notes.section(text, missing))
    except ValueError:
        pass
`
	if out, err := exec.Command("python3", "-B", "-c", script, filepath.Join(root, "packaging")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
