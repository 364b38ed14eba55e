package integration

import (
	"os"
	"strings"
	"testing"
)

// severalApps is a configuration with what the banner and status can show: apps, one that does not start, routes, files.
const severalApps = `bind = "0.0.0.0:0"
health_path = "/-/health"
control = "control.sock"
[[app]]
name = "shop"
module = "app:app"
hosts = ["shop.example"]
workers = 2
[[app]]
name = "blog"
module = "app:app"
mount = "/blog"
workers = "1..3"
preload = true
[[app]]
name = "broken"
module = "broken:app"
mount = "/broken"
workers = 1
[[static]]
url = "/media/"
dir = "media"
[[static]]
url = "/gone/"
dir = "gone"
[[route]]
path = "/legacy"
handler = "proxy"
upstreams = ["http://127.0.0.1:1", "uwsgi://127.0.0.1:2"]
`

// TestGoldenBannerAndStatus holds the text of a start at a terminal, and that of status.
func TestGoldenBannerAndStatus(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": steadyGate, "broken.py": "import nothing_of_this_name\n", "media/m": "m", "gone/x": "x", "standpipe.toml": severalApps})
	folders := map[string]string{"DIR": dir}
	s := start(t, opts{Dir: dir, Bare: true, NoWait: true, Args: append([]string{"--log-format", "text"}, asMeant()...)})
	s.waitBanner("health")
	var b strings.Builder
	banner := false // it begins with the version, and records may follow it
	for _, line := range s.err.all() {
		banner = banner || strings.HasPrefix(line, "standpipe ")
		if banner && (b.Len() == 0 || strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "  |")) {
			b.WriteString(line + "\n")
		}
	}
	golden(t, "banner", timeless(b.String(), folders))

	status := func(args ...string) string {
		line := append([]string{"status", "--control", "control.sock"}, args...)
		r := run(t, dir, nil, line...)
		return goldenCase("$ standpipe "+strings.Join(line, " "), r.out+r.errout)
	}
	text := status("shop") + status("--static") + status("nobody")
	for line := range strings.Lines(status("broken")) {
		if strings.Contains(line, `"broken"`) { // the rest depends on the moment
			text += goldenCase("$ standpipe status broken", strings.TrimSpace(line))
		}
	}
	if r := run(t, dir, nil, "pause", "blog", "--control", "control.sock"); r.code != 0 {
		t.Errorf("%+v", r)
	}
	text += status("blog")
	golden(t, "status", timeless(text, folders))
}

// asMeant are flags without which a machine warns of what is usual for tests: to run as root.
func asMeant() []string {
	if os.Geteuid() == 0 {
		return []string{"--user", "root"}
	}
	return nil
}

// steadyGate is an app of one line.
const steadyGate = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'x']\n"
