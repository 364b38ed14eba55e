package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/cmd/internal/compat"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

var update = flag.Bool("update", false, "write the made part of docs/migrating/gunicorn.md")

const migratingPage = "../../docs/migrating/gunicorn.md"

// call runs one command line in this process.
func call(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = execute(t.Context(), append([]string{"standpipe"}, args...), &o, &e)
	return code, o.String(), e.String()
}

// cut replaces or returns what stands between <!-- name --> and <!-- end -->.
func cut(t *testing.T, page, name string) (before, inside, after string) {
	t.Helper()
	before, rest, ok := strings.Cut(page, "<!-- "+name+" -->\n")
	inside, after, ok2 := strings.Cut(rest, "<!-- end -->")
	if !ok || !ok2 {
		t.Fatalf("%s has no part %q", migratingPage, name)
	}
	return before + "<!-- " + name + " -->\n", inside, "<!-- end -->" + after
}

func TestMigratingPageIsFresh(t *testing.T) {
	text, err := os.ReadFile(migratingPage)
	if err != nil {
		t.Fatal(err)
	}
	lines := "```\n"
	for _, l := range procfile(t) {
		lines += l + "\n"
	}
	lines += "```\n"
	before, inside, after := cut(t, string(text), "procfile")
	if inside != lines && !*update {
		t.Error("the procfile of docs/migrating/gunicorn.md is stale; run: go test ./cmd/standpipe -run Migrating -update")
	}
	if *update {
		if err := os.WriteFile(migratingPage, []byte(before+lines+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// procfile are the lines of testdata/procfile.txt.
func procfile(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/procfile.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "web: ") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	if len(out) < 10 {
		t.Fatalf("only %d lines", len(out))
	}
	return out
}

// argv is what a shell makes of a command line.
func argv(t *testing.T, line string, env ...string) []string {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("missing program: sh")
	}
	cmd := exec.Command(sh, "-c", "show() { for a in \"$@\"; do printf '%s\\0' \"$a\"; done; }; show "+line)
	cmd.Env = append(os.Environ(), env...)
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("sh: %v: %s", err, line)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
}

// A flag of gunicorn's or uWSGI's that serve does not have ends it with the sentence of the table, unless it makes no difference.
func TestForeignFlag(t *testing.T) {
	project(t, "app.py")
	for _, name := range []string{"cert-reqs", "D", "harakiri", "static-map"} {
		code, _, errOut := call(t, "serve", schema.Dashed(name))
		if code != 2 || errOut != "standpipe: "+schema.Dashed(name)+": "+compat.Explain(name)+"\n" {
			t.Errorf("%s: exit %d, %q", name, code, errOut)
		}
	}
	code, _, errOut := call(t, "check", "--no-sendfile", "--master", "--worker-tmp-dir", "/dev/shm", "app:app", "--spew", "--offload-threads=4")
	if code != 0 || strings.Count(errOut, "\n") != 1 || !strings.Contains(errOut, "--no-sendfile, --master, --worker-tmp-dir, --spew, --offload-threads;") {
		t.Errorf("exit %d, %q", code, errOut)
	}
}

// Procfile lines work with only the program's name changed.
func TestProcfile(t *testing.T) {
	lines := procfile(t)
	dir := project(t)
	if err := os.Mkdir(filepath.Join(dir, "src"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PORT", "5000")
	for _, line := range lines {
		rest, ok := strings.CutPrefix(strings.TrimPrefix(strings.TrimPrefix(line, "web: "), "exec "), "gunicorn ")
		if !ok {
			t.Errorf("no gunicorn in %q", line)
			continue
		}
		// config reads the same command line as serve.
		code, out, errOut := call(t, append([]string{"config", "--json"}, argv(t, rest)...)...)
		if code != 0 || errOut != "" {
			t.Errorf("%s\n  exit %d, %s", line, code, errOut)
			continue
		}
		var list []schema.Effective
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			t.Fatal(err)
		}
		value := func(suffix string) string {
			for _, e := range list {
				if strings.HasSuffix(e.Key, suffix) {
					return e.Value
				}
			}
			return ""
		}
		if m := value(".module"); m == "" || strings.HasPrefix(m, "-") {
			t.Errorf("%s\n  serves %q", line, m)
		}
		if strings.Contains(line, "$PORT") && !strings.HasSuffix(value(".address"), ":5000") {
			t.Errorf("%s\n  listens on %q", line, value(".address"))
		}
		if strings.Contains(line, "--threads 8") && (value(".threads") != "8" || value(".timeout") != "0" || value(".workers") != "1") {
			t.Errorf("%s\n  threads %s, timeout %s, workers %s", line, value(".threads"), value(".timeout"), value(".workers"))
		}
		if strings.Contains(line, "SHOP_HOSTS") && value(".env.SHOP_HOSTS") != "a.example.org,b.example.org" {
			t.Errorf("%s\n  SHOP_HOSTS is %q", line, value(".env.SHOP_HOSTS"))
		}
	}
}
