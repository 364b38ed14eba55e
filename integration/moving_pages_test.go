package integration

import (
	"io"
	"net/http"
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

// The line before and the line after on these pages serve the same app with the same answers: path, query, body, host, scheme.
func TestLinesOfAMove(t *testing.T) {
	t.Parallel()
	const app = `def app(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    names = "REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "HTTP_HOST", "wsgi.url_scheme", "HTTP_X_CART", "CONTENT_TYPE"
    start_response("201 Created", [("Content-Type", "text/plain")])
    return [(" ".join(str(environ.get(n)) for n in names) + " ").encode(), body]

application = app
`
	bin := filepath.Dir(python(t))
	for _, name := range []string{"gunicorn", "waitress", "granian"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(filepath.Join(repoDir(), "docs", "migrating", name+".md"))
			if err != nil {
				t.Fatal(err)
			}
			dir := project(t, map[string]string{"shop/__init__.py": "from shop.wsgi import app\n", "shop/wsgi.py": app})
			var answers []string
			for _, which := range []string{"before", "after"} {
				m := regexp.MustCompile(`(?m)^` + which + `: +(.*)$`).FindSubmatch(text)
				if m == nil {
					t.Fatalf("no line %s", which)
				}
				port := freePort(t)
				line := strings.NewReplacer("0.0.0.0:8000", "127.0.0.1:"+port, "0.0.0.0:8080", "127.0.0.1:"+port, "--host 0.0.0.0 --port 8000", "--host 127.0.0.1 --port "+port).Replace(string(m[1]))
				argv := strings.Fields(line)
				if argv[0] = filepath.Join(bin, argv[0]); which == "after" {
					argv[0] = built.binary
				}
				if _, err := os.Stat(argv[0]); err != nil {
					skip(t, "no-program", argv[0])
				}
				runNeighbour(t, "127.0.0.1:"+port, dir, cleanEnv(t), argv...)
				answers = append(answers, askOnce(t, port))
			}
			if answers[0] != answers[1] || !strings.Contains(answers[1], "PUT  /a b x=1 shop.example.org http red text/csv 1,2") {
				t.Errorf("before %s\nafter  %s", answers[0], answers[1])
			}
		})
	}
}

// askOnce is the status and the body of one answer.
func askOnce(t testing.TB, port string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodPut, "http://127.0.0.1:"+port+"/a%20b?x=1", strings.NewReader("1,2"))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "shop.example.org"
	r.Header.Set("X-Cart", "red")
	r.Header.Set("Content-Type", "text/csv")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Status + " " + string(b)
}
