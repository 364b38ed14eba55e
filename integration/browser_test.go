package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// browser is a headless Chromium's program; .ci/run installs one.
func browser(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	skip(t, "no-browser", "no Chromium in PATH")
	return ""
}

// profile is a folder for a browser. Its helpers may write there for a moment after its end: what is left goes with the tests' own folder.
func profile(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(built.dir, "profile-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

var consoleLine = regexp.MustCompile(`CONSOLE[(:]`)

// render opens a page as a person would, with a profile of its own, and returns the document after its scripts have run
// and what the console says. more are flags (--), and variables for the clean environment.
func render(t testing.TB, url string, more ...string) (dom string, console []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), bootPatience)
	defer cancel()
	var flags, env []string
	for _, m := range more {
		if strings.HasPrefix(m, "--") {
			flags = append(flags, m)
		} else {
			env = append(env, m)
		}
	}
	if !slices.Contains(flags, "--enable-quic") {
		flags = append(flags, "--disable-quic")
	}
	cmd := exec.CommandContext(ctx, browser(t), append(flags, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--user-data-dir="+profile(t), "--enable-logging=stderr", "--v=0",
		"--virtual-time-budget=20000", "--dump-dom", url)...)
	cmd.Env = append(append(cleanEnv(t), "DBUS_SESSION_BUS_ADDRESS=disabled:"), env...)
	cmd.WaitDelay = 5 * time.Second // a helper that outlives the browser holds the pipes
	var out, said strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		t.Fatalf("%v\n%s", err, said.String())
	}
	for line := range strings.Lines(said.String()) {
		if consoleLine.MatchString(line) {
			console = append(console, strings.TrimSpace(line))
		}
	}
	return out.String(), console
}

// seenInPage is what the pages' own script writes into them: natural sizes, computed styles, what has run.
const seenInPage = `color=rgb(1, 2, 3); width=123px; spacing=4px; admin=rgb(4, 5, 6); png=37x21; svg=31x17; module=42; wasm=yes`

var assetLine = regexp.MustCompile(`"GET /(static|a/admin/files)/`)

// A page in a browser: all that it names came from Go, and is what it should be.
func TestStaticInABrowser(t *testing.T) {
	t.Parallel()
	if _, console := render(t, "data:text/html,<script>console.error('heard')</script>"); len(console) != 1 || !strings.Contains(console[0], "heard") {
		t.Fatalf("the console is not heard: %q", console)
	}
	py := python(t)
	for _, c := range []struct {
		name, app string
		env       []string
		assets    int
		hashed    bool
	}{
		{"flask", "static_flask", nil, 8, false},
		{"django with a manifest", "static_django", []string{}, 8, true},
		{"django without", "static_django", []string{"PLAIN=1"}, 8, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := appDir(t, c.app)
			if c.env != nil {
				c.env = append(c.env, "COLLECTED="+project(t, map[string]string{}))
				cmd := exec.Command(py, "-B", "app.py")
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), c.env...)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			s := start(t, opts{Dir: dir, Python: py, Env: c.env, Args: []string{"-w", "1"}})
			dom, console := render(t, s.URL+"/")
			if !strings.Contains(dom, seenInPage) {
				t.Errorf("the page:\n%s", dom)
			}
			if len(console) > 0 {
				t.Errorf("the console: %q", console)
			}
			if r := s.want(200, "/asked"); r.Body != "0" {
				t.Errorf("the app was asked for %s files", r.Body)
			}
			s.waitAccess(`"GET /asked `)
			var assets []string
			eventually(t, fmt.Sprintf("%d files or more in the access log", c.assets), func() bool {
				assets = slices.DeleteFunc(s.access(), func(line string) bool { return !assetLine.MatchString(line) })
				return len(assets) >= c.assets
			})
			for _, line := range assets {
				if !strings.Contains(line, " 200 ") || !strings.Contains(line, "source=static") {
					t.Errorf("not from Go: %s", line)
				}
			}
			if c.hashed {
				s.waitAccess(`"GET /static/page\.[0-9a-f]{12}\.css `)
			}
		})
	}
}
