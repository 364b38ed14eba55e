package integration

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// releases makes a folder for each version, with an environment, a virtual environment and a static folder of its own.
func releases(t *testing.T, versions ...string) (root string) {
	t.Helper()
	out, err := exec.Command("python3", "-c", "import os, sys; print(os.path.realpath(sys.executable))").Output()
	if err != nil {
		t.Fatal(err)
	}
	interpreter := strings.TrimSpace(string(out))
	root = project(t, nil)
	if root, err = filepath.EvalSymlinks(root); err != nil {
		t.Fatal(err)
	}
	for _, v := range versions {
		r := "releases/" + v + "/"
		write(t, root, map[string]string{
			r + "app.py": `import json, os, sys, late
VERSION = "` + v + `"
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    here = os.path.dirname(os.path.abspath(__file__))
    return [json.dumps([VERSION, here, os.getcwd(), sys.path[0], os.path.dirname(sys.prefix), os.environ["NAME"], late.NAME,
                        os.path.dirname(late.__file__)]).encode()]
`,
			r + ".env": "NAME=" + v, r + "lib/late.py": "NAME = '" + v + "'\n", r + "static/version.txt": v,
			r + ".venv/pyvenv.cfg": "home = " + filepath.Dir(interpreter) + "\n",
		})
		bin := filepath.Join(root, r, ".venv/bin")
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(interpreter, filepath.Join(bin, "python")); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// deploy points root/current at a release, as deployment tools do.
func deploy(t *testing.T, root, version string) {
	t.Helper()
	tmp := filepath.Join(root, "next")
	if err := os.Symlink("releases/"+version, tmp); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(root, "current")); err != nil {
		t.Fatal(err)
	}
}

// A generation keeps the release that it was made from: code, working directory, interpreter, environment and static files,
// whatever the link leads to later and however many of its workers die.
func TestFault_B2_GenerationKeepsItsRelease(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"plain", "preload"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			root := releases(t, "one", "two", "broken")
			write(t, root, map[string]string{"releases/broken/app.py": "import no_such_module\n", "standpipe.toml": `[[app]]
name = "shop"
module = "app:app"
dir = "current"
venv = ".venv"
env_file = [".env"]
workers = 2
preload = ` + map[string]string{"plain": "false", "preload": "true"}[kind] + `
[[app.static]]
url = "/static"
dir = "static"
[[static]]
url = "/files"
dir = "current/static"
`})
			deploy(t, root, "one")
			s := start(t, opts{Dir: root, Env: []string{"PYTHONPATH=" + filepath.Join(root, "current/lib")}, Args: []string{"--queue-timeout", bootQueue}})
			serves := func(version string) {
				t.Helper()
				for range 6 {
					var got [8]string
					if err := json.Unmarshal([]byte(s.want(200, "/").Body), &got); err != nil {
						t.Fatal(err)
					}
					dir := filepath.Join(root, "releases", version)
					if want := [8]string{version, dir, dir, dir, dir, version, version, filepath.Join(dir, "lib")}; got != want {
						t.Fatalf("%q serves, not %q", got, want)
					}
				}
				for _, url := range []string{"/static/version.txt", "/files/version.txt"} {
					if r := s.want(200, url); r.Body != version {
						t.Errorf("%s is of %q, not of %q", url, r.Body, version)
					}
				}
				var st struct {
					Apps []struct {
						Release     string
						ReleaseGone bool `json:"release_gone"`
						Processes   []struct{ Release string }
					}
				}
				// A process of the generation before may still be on its way out.
				dir := filepath.Join(root, "releases", version)
				eventually(t, "status names "+dir, func() bool {
					r := s.order("status", "--json")
					st.Apps = nil
					if err := json.Unmarshal([]byte(r.out), &st); err != nil || len(st.Apps) != 1 {
						t.Fatalf("%v %+v", err, r)
					}
					a := st.Apps[0]
					return a.Release == dir && !a.ReleaseGone && len(a.Processes) > 0 && a.Processes[0].Release == dir
				})
			}
			// Every process of the old generation dies, the template too, and is replaced.
			killAll := func() {
				t.Helper()
				old := s.workers()
				for _, pid := range old {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
				within(t, bootPatience, "they are dead", func() bool {
					for _, pid := range old {
						if alive(pid) {
							return false
						}
					}
					return true
				})
			}
			serves("one")
			killAll()
			serves("one")

			deploy(t, root, "broken")
			s.hup(1)
			failed := s.waitEvent("reload_failed")
			if got := filepath.Base(failed.str("release")) + " " + filepath.Base(failed.str("serving_release")); got != "broken one" {
				t.Errorf("the record names %s", got)
			}
			for range 3 {
				killAll()
				serves("one")
			}
			if r := s.events("app_failed"); len(r) > 0 {
				t.Errorf("%v", r)
			}

			deploy(t, root, "two") // without a reload
			killAll()
			serves("one")
			r := s.order("reload")
			if r.code != 0 || !strings.Contains(r.out, filepath.Join(root, "releases/two")) {
				t.Errorf("reload: %+v", r)
			}
			serves("two")
			killAll()
			serves("two")

			if err := os.RemoveAll(filepath.Join(root, "releases/two")); err != nil {
				t.Fatal(err)
			}
			deploy(t, root, "one")
			if r := s.waitEvent("release_gone"); r.str("release") != filepath.Join(root, "releases/two") {
				t.Errorf("%v", r)
			}
			if out := s.must("status"); !holds(out, filepath.Join(root, "releases/two")) {
				t.Errorf("%s", out)
			}
			m := s.metrics("unix", s.controlSocket())
			if m[`standpipe_release_gone{app="shop"}`] != 1 {
				t.Errorf("the metrics do not tell that the release is gone")
			}
			s.hup(3)
			serves("one")
		})
	}
}

// reload and touch_reload look at the link, not at the release that it led to.
func TestFault_B2_WatchersSeeTheLink(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, flag string }{{"reload", "--reload"}, {"touch", "--touch-reload=app.py"}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			root := releases(t, "one", "two")
			deploy(t, root, "one")
			s := start(t, opts{App: "app:app", Dir: root, Args: []string{"-w", "1", "--dir", "current", "--venv", ".venv", "--env-file", ".env", "--pythonpath", "lib", c.flag}})
			for n, version := range []string{"one", "two", "one"} {
				deployed := time.Time{}
				within(t, bootPatience, version+" serves", func() bool {
					if n > 0 && time.Since(deployed) > 5*time.Second { // folders are observed from a moment on when the app is ready
						deployed = time.Now()
						deploy(t, root, version)
					}
					r := s.get("/")
					return r.Status == 200 && strings.HasPrefix(r.Body, `["`+version+`"`)
				})
			}
		})
	}
}
