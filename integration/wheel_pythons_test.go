package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The wheel is one file for every Python of this machine (interpreters.sh): it installs, its package finds the program, an app runs,
// and without standpipe the functions call at once what they are given.
func TestWheelOnEveryPython(t *testing.T) {
	t.Parallel()
	wheel, extra := must(t)(theWheel()), packagedTool(t)
	cmd := exec.Command(filepath.Join(repoDir(), "integration", "interpreters.sh"))
	cmd.Env = os.Environ() // pyenv's folder is the developer's
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		python, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			dir := project(t, map[string]string{"app.py": usesAll})
			env := filepath.Join(t.TempDir(), "env")
			cmd := exec.Command(python, "-m", "venv", "--without-pip", env)
			cmd.Env = cleanEnv(t)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			tool(t, dir, uvEnv(t), "uv", "pip", "install", "--python", filepath.Join(env, "bin", "python"), wheel, extra)
			said := tool(t, dir, nil, filepath.Join(env, "bin", "python"), "-W", "error", "-c", `
import standpipe
calls = []
@standpipe.on_fork
def at_once():
    calls.append(1)
assert standpipe.after_response(at_once) is at_once and calls == [1, 1]
assert issubclass(standpipe.RequestTimeout, BaseException) and not issubclass(standpipe.RequestTimeout, Exception)
assert standpipe.purge(groups=["product-1"]) == 0 and issubclass(standpipe.PurgeError, RuntimeError)
try:
    standpipe.after_response(lambda: 1 / 0)
except ZeroDivisionError:
    print(standpipe.__version__, standpipe.find_standpipe_bin())
`)
			if words := strings.Fields(said); len(words) != 2 || words[1] != filepath.Join(env, "bin", "standpipe") {
				t.Errorf("%q", said)
			}
			if got := tool(t, dir, nil, filepath.Join(env, "bin", "python"), "-m", "standpipe", "version"); !strings.HasPrefix(got, "standpipe "+strings.Fields(said)[0]+" ") {
				t.Errorf("%q", got)
			}
			if got := served(t, dir, nil, filepath.Join(env, "bin", "standpipe")); got != env {
				t.Errorf("%s, not %s", got, env)
			}
		})
	}
}
