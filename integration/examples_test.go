package integration

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// example copies an example into a folder of the test's own. Each folder of examples/ has a test that calls it: a law sees to that.
func example(t testing.TB, name string) (dir string) {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", ".")
	cmd.Dir = filepath.Join(repoDir(), "examples", name)
	list, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files in %s: %v", cmd.Dir, err)
	}
	dir = project(t, nil)
	for file := range strings.Lines(string(list)) {
		file = strings.TrimSuffix(file, "\n")
		b, err := os.ReadFile(filepath.Join(cmd.Dir, file))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, map[string]string{file: string(b)})
	}
	return dir
}

var shBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")

// startExample runs the commands of the README's block of sh in dir, as they are there, with the flags of start behind the last one,
// `standpipe serve`. Virtual environments with packages are those of `make testenv`, whose releases TestExampleRequirements compares.
func startExample(t testing.TB, dir string, o opts) *server {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := shBlock.FindSubmatch(readme)
	if block == nil {
		t.Fatal("the README has no block of sh")
	}
	var script []string
	serves := false
	for line := range strings.Lines(string(block[1])) {
		line = strings.TrimSpace(line)
		switch venv, made := strings.CutPrefix(line, "python3 -m venv "); {
		case made && !strings.HasPrefix(venv, "--without-pip"):
			if err := os.Symlink(filepath.Dir(filepath.Dir(python(t))), filepath.Join(dir, venv)); err != nil {
				t.Fatal(err)
			}
		case strings.Contains(line, ".venv/bin/pip install -r "):
		case strings.HasPrefix(line, "standpipe serve"):
			serves = true
			script = append(script, "exec {bin} "+strings.TrimPrefix(line, "standpipe ")+` "$@"`)
		default:
			script = append(script, line)
		}
	}
	if !serves {
		t.Fatalf("the README does not serve: %s", block[1])
	}
	o.Dir, o.Argv = dir, []string{"/bin/sh", "-ec", strings.Join(script, "\n"), "sh"}
	o.Args = append(o.Args, "--queue-timeout", bootQueue)
	return start(t, o)
}

// submit posts a form and returns the answer with the cookies that the client has then, as a field.
func (s *server) submit(path string, form url.Values, headers ...string) (*response, string) {
	s.t.Helper()
	r := s.post(path, "application/x-www-form-urlencoded", form.Encode(), headers...)
	return r, cookiesOf(r)
}

func cookiesOf(r *response) string {
	var list []string
	for _, c := range (&http.Response{Header: r.Header}).Cookies() {
		list = append(list, c.Name+"="+c.Value)
	}
	return "Cookie: " + strings.Join(list, "; ")
}

var stylesheet = regexp.MustCompile(`<link rel="stylesheet" href="([^"]+)"`)

// styled asks for the stylesheet that the page names: standpipe answers, without a worker.
func (s *server) styled(page string) *response {
	s.t.Helper()
	found := stylesheet.FindStringSubmatch(page)
	if found == nil {
		s.t.Fatalf("no stylesheet in %q", page)
	}
	r := s.want(200, found[1])
	if kind := r.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/css") || r.Body == "" {
		s.t.Errorf("%s: %s %.80q", found[1], kind, r.Body)
	}
	s.waitAccess(`"GET ` + regexp.QuoteMeta(found[1]) + ` .* source=static`)
	return r
}

// killWorkers kills each worker (and the template), and waits until they are gone.
func (s *server) killWorkers() {
	s.t.Helper()
	for _, a := range s.status().Apps {
		for _, p := range a.Processes {
			if p.Pid == 0 { // it has no process at present
				continue
			}
			kill(s.t, p.Pid)
			within(s.t, bootPatience, "it is dead", func() bool { return !alive(p.Pid) })
		}
	}
}

// What the READMEs install is what the tests run.
func TestExampleRequirements(t *testing.T) {
	t.Parallel()
	const compare = `
import glob, importlib.metadata as installed, sys
from pip._vendor.packaging.requirements import Requirement
for path in glob.glob(sys.argv[1] + "/examples/**/requirements.txt", recursive=True):
    for line in filter(str.strip, open(path)):
        wanted = Requirement(line.strip())
        assert wanted.specifier, "%s: %s has no bounds" % (path, wanted)
        found = installed.version(wanted.name)
        assert wanted.specifier.contains(found), "%s: %s, and the tests have %s" % (path, wanted, found)
        print(wanted)
`
	out, err := exec.Command(python(t), "-c", compare, repoDir()).CombinedOutput()
	if err != nil || strings.Count(string(out), "\n") < 5 {
		t.Errorf("%v\n%s", err, out)
	}
}

// The Dockerfiles of the examples and of packaging/containers are in order: a user that is not root, layers that stay, versions.
func TestDockerfiles(t *testing.T) {
	t.Parallel()
	const lint = `
import glob, sys
sys.path.insert(0, sys.argv[1] + "/packaging/containers")
import replay
for path in glob.glob(sys.argv[1] + "/examples/*/Dockerfile") + glob.glob(sys.argv[1] + "/packaging/containers/Dockerfile*"):
    print(*replay.lint(path, open(path).read()), sep="\n", end="")
    print("looked at", path, file=sys.stderr)
`
	cmd := exec.Command(python(t), "-B", "-c", lint, repoDir())
	var looked strings.Builder
	cmd.Stderr = &looked
	out, err := cmd.Output()
	if err != nil || len(out) > 0 || strings.Count(looked.String(), "looked at") < 9 {
		t.Errorf("%v\n%s%s", err, out, looked.String())
	}
}

// systemd understands the units of the examples.
func TestExampleUnits(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		skip(t, "no-systemd", err.Error())
	}
	units, err := filepath.Glob(filepath.Join(repoDir(), "examples", "*", "*.service"))
	if err != nil || len(units) < 7 {
		t.Fatalf("%v %v", units, err)
	}
	args := []string{"verify", "--man=no"}
	dir := t.TempDir()
	for _, unit := range units {
		b, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(filepath.Dir(unit)) + ".service" // three are called whoami
		write(t, dir, map[string]string{name: strings.ReplaceAll(string(b), "/usr/bin/standpipe", built.binary)})
		args = append(args, filepath.Join(dir, name))
	}
	out, err := exec.Command(analyze, args...).CombinedOutput()
	if err != nil || strings.Contains(string(out), dir) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
