package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// init writes a file that passes check, and that serves what serve without a file does.
func TestInit(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"shop/__init__.py": "", "shop/wsgi.py": hello("the shop"), ".env": "A=1\n", "media/a.txt": "a", "README": ""})
	shown := run(t, dir, []string{"PORT=9", "STANDPIPE_WORKERS=7"}, "init", "--stdout")
	if _, err := os.Stat(filepath.Join(dir, "standpipe.toml")); err == nil || shown.code != 0 {
		t.Fatalf("%+v, and the file is there: %v", shown, err == nil)
	}
	if r := run(t, dir, nil, "init"); r.code != 0 || !strings.Contains(r.out, "standpipe.toml") {
		t.Fatalf("%+v", r)
	}
	text, err := os.ReadFile(filepath.Join(dir, "standpipe.toml"))
	if err != nil || string(text) != shown.out {
		t.Errorf("%v; printed:\n%s\nwritten:\n%s", err, shown.out, text)
	}
	has(t, shown.out, "module = \"shop/wsgi.py\"\n", "env_file = \".env\"\n", "#dir = \"media\"\n", "#workers = ", "#[[listen]]\n", "!\nworkers", "!workers = 7")
	if r := run(t, dir, nil, "check"); r.code != 0 || r.errout != "" {
		t.Errorf("%+v", r)
	}
	if r := run(t, dir, nil, "init"); r.code != 2 || !r.names("standpipe.toml") {
		t.Errorf("the file is overwritten: %+v", r)
	}
	// Each suggestion is valid, too.
	all := regexp.MustCompile(`(?m)^#(\[|[a-z_]+ = )`).ReplaceAllString(shown.out, "$1")
	all = strings.Replace(all, "venv = \".venv\"\n", "", 1) // there is none
	write(t, dir, map[string]string{"standpipe.toml": all})
	if r := run(t, dir, nil, "check"); r.code != 0 {
		t.Errorf("%+v\n%s", r, all)
	}
	write(t, dir, map[string]string{"standpipe.toml": shown.out})
	s := start(t, opts{Dir: dir, Bare: true, Args: []string{"-b", "127.0.0.1:0", "--log-format", "json"}})
	if r := s.want(200, "/"); r.Body != "the shop" {
		t.Errorf("%+v", r)
	}
	if r := run(t, project(t, nil), nil, "init"); r.code != 2 || r.out != "" || !strings.Contains(r.errout, "no app found") {
		t.Errorf("%+v", r)
	}
	if r := run(t, project(t, map[string]string{"wsgi.py": "", "app.py": ""}), nil, "init", "--stdout"); r.code != 0 || !strings.Contains(r.out, "wsgi.py, app.py") || strings.Contains(r.out, "\nmodule") {
		t.Errorf("%+v", r)
	}
}
