package integration

import (
	"os/exec"
	"strings"
	"testing"
)

// Without an app no Python is started, looked for or needed: routes and folders answer.
func TestWithoutApps(t *testing.T) {
	t.Parallel()
	toml := "metrics = \"127.0.0.1:0\"\n[[route]]\npath = \"/ping\"\nrespond = 200\nbody = \"pong\"\n[[static]]\nurl = \"/\"\ndir = \"site\"\nindex = [\"index.html\"]\n"
	dir := project(t, map[string]string{"site/index.html": "a site", "standpipe.toml": toml})
	none := []string{"PATH=/nonexistent"}
	if r := run(t, dir, none, "check"); r.code != 0 || !strings.Contains(r.out, "/ping") {
		t.Fatalf("check: %d %s%s", r.code, r.out, r.errout)
	}
	s := start(t, opts{Dir: dir, Env: none, Apps: -1})
	for path, want := range map[string]string{"/ping": "pong", "/": "a site", "/readyz": "ok\n", "/livez": "ok\n"} {
		if got := s.want(200, path).Body; got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	s.want(404, "/none")
	if st := s.status(); len(st.Apps) != 0 || st.Pid != s.Pid {
		t.Errorf("%+v", st)
	}
	metrics := s.waitEvent("metrics").str("address")
	if text := s.at(strings.TrimSuffix(strings.TrimPrefix(metrics, "http://"), "/metrics")).want(200, "/metrics").Body; !strings.Contains(text, "standpipe_") {
		t.Errorf("%.200s", text)
	}
	write(t, dir, map[string]string{"standpipe.toml": strings.Replace(toml, "pong", "again", 1)})
	s.hup(1)
	if got := s.want(200, "/ping").Body; got != "again" {
		t.Error(got)
	}
	if r := s.order("scale", "2"); r.code == 0 || !strings.Contains(r.errout, "no app") {
		t.Errorf("scale: %d %s", r.code, r.errout)
	}
	// An app may come, and go again.
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"shop.py": hello("an app"), "standpipe.toml": toml + "[[app]]\nname = \"shop\"\nmodule = \"shop:app\"\nworkers = 1\npython = \"" + strings.TrimSpace(string(out)) + "\"\n"})
	s.must("reload")
	if got := s.want(200, "/none").Body; got != "an app" {
		t.Error(got)
	}
	write(t, dir, map[string]string{"standpipe.toml": toml})
	s.must("reload")
	s.want(404, "/none")
	s.want(200, "/readyz")
	if code := s.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	// A file without routes and folders still needs an app; so does one beside a file that may hold it.
	for name, want := range map[string]string{"limits.toml": "no app", "app.toml": "python"} {
		files := map[string]string{"limits.toml": "[limits]\nmax_body = 1\n", "app.toml": toml}
		dir := project(t, map[string]string{"site/index.html": "", name: files[name]})
		if name == "app.toml" {
			write(t, dir, map[string]string{"app.py": hello("x")})
		}
		if r := run(t, dir, none, "check", "-c", name); r.code != 2 || !strings.Contains(strings.ToLower(r.errout), want) {
			t.Errorf("%s: %d %s%s", name, r.code, r.out, r.errout)
		}
	}
}

// What a person at a terminal reads about a server without apps.
func TestBannerWithoutApps(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"standpipe.toml": "[[route]]\npath_regex = [\"x$\"]\nredirect = \"https://a.example{path}\"\n"})
	s := start(t, opts{Dir: dir, Bare: true, NoWait: true, Env: []string{"PATH=/nonexistent"}, Args: []string{"-b", "127.0.0.1:0", "--log-format", "text"}})
	eventually(t, "the banner names the route", func() bool {
		return strings.Contains(s.stderrText(), "route    on /, path_regex x$   -> 302 https://a.example{path}")
	})
}
