package discover

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func tree(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		name, text, _ := strings.Cut(f, "=")
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.Contains(name, "bin/") {
			mode = 0o755
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCandidates(t *testing.T) {
	for _, c := range []struct {
		files []string
		want  []string
	}{
		{nil, nil},
		{[]string{"README"}, nil},
		{[]string{"manage.py", "main.py", "app.py", "wsgi.py"}, []string{"wsgi.py", "app.py", "main.py", "manage.py"}},
		{[]string{"b/__init__.py=x", "a/__init__.py=x", "app.py", "manage.py"}, []string{"app.py", "a/__init__.py", "b/__init__.py", "manage.py"}},
		// An empty __init__.py, tests, hidden folders and what is no identifier hold no app.
		{[]string{"site/__init__.py", "tests/__init__.py=x", ".git/__init__.py=x", "my-app/__init__.py=x", "manage.py"}, []string{"manage.py"}},
		{[]string{"src/app.py", "src/shop/__init__.py=x", "shop/__init__.py=x"}, []string{"shop/__init__.py", "src/app.py", "src/shop/__init__.py"}},
		{[]string{"app.py/x", "wsgi.py"}, []string{"wsgi.py"}}, // a folder of that name
		// One folder down: packages and plain folders, after the packages themselves and before src/.
		{[]string{"shop/__init__.py", "shop/wsgi.py"}, []string{"shop/wsgi.py"}},
		{[]string{"b/app.py", "my-site/app.py", "z/wsgi.py", "a/__init__.py=x", "src/c/wsgi.py", "src/app.py"},
			[]string{"a/__init__.py", "z/wsgi.py", "b/app.py", "my-site/app.py", "src/app.py", "src/c/wsgi.py"}},
		{[]string{"tests/wsgi.py", ".hidden/app.py", "node_modules/app.py", "env/wsgi.py", "py312/wsgi.py", "py312/pyvenv.cfg", "__pycache__/app.py", "a/b/wsgi.py"}, nil},
		{[]string{"passenger_wsgi.py", "src/passenger_wsgi.py", "tmp/restart.txt"}, []string{"passenger_wsgi.py", "src/passenger_wsgi.py"}},
		{[]string{"site/__init__.py", "site/wsgi.py", "polls/app.py", "manage.py"}, []string{"site/wsgi.py", "manage.py"}},
	} {
		if got := Candidates(tree(t, c.files...)); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.files, got, c.want)
		}
	}
	if got := Candidates("/nowhere/at/all"); got != nil {
		t.Errorf("a missing folder has %q", got)
	}
}

func TestFind(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("missing program: sh")
	}
	path := filepath.Join(tree(t, "bin/python3"), "bin")
	dir := tree(t, ".venv/pyvenv.cfg", ".venv/bin/python", "venv/pyvenv.cfg", "venv/bin/python", "other/bin/python3", "plain=", "empty/x")
	bare := tree(t, "venv/x")    // a folder called venv that is none
	venvs := map[string]string{} // the folder of a project, by the place of its virtual environment
	for _, place := range []string{"env", "ENV", "../.venv", "../venv", "../env", "../ENV"} {
		dir := tree(t, "site/manage.py", filepath.Join("site", place, "pyvenv.cfg"), filepath.Join("site", place, "bin/python"))
		venvs[place] = filepath.Join(dir, "site")
	}
	env := func(virtual, path string) func(string) string {
		return func(name string) string { return map[string]string{"VIRTUAL_ENV": virtual, "PATH": path}[name] }
	}
	for _, c := range []struct {
		search Search
		want   string // below dir; or the end of the path
		how    string
	}{
		{Search{Dir: dir, Getenv: env("", path)}, dir + "/.venv/bin/python", "found .venv"},
		{Search{Dir: dir, Getenv: env(dir+"/other", path)}, dir + "/other/bin/python3", "$VIRTUAL_ENV"},
		{Search{Dir: dir, Venv: "venv", Getenv: env(dir+"/other", path)}, dir + "/venv/bin/python", "--venv"},
		{Search{Dir: dir, Python: "other/bin/python3", Getenv: env("", path)}, dir + "/other/bin/python3", "--python"},
		{Search{Dir: dir, Python: "python3", PythonFrom: "set in x:1", Getenv: env("", path)}, path + "/python3", "set in x:1"},
		{Search{Dir: bare, Getenv: env("", "relative:"+path)}, path + "/python3", "python3 in PATH"},
	} {
		got, err := Find(c.search)
		if err != nil || got.Path != c.want || got.How != c.how {
			t.Errorf("%+v: %+v, %v; want %s (%s)", c.search, got, err, c.want, c.how)
		}
	}
	for place, dir := range venvs {
		got, err := Find(Search{Dir: dir, Getenv: env("", path)})
		if want := filepath.Join(dir, place, "bin/python"); err != nil || got.Path != want || got.How != "found "+place {
			t.Errorf("%s: %+v, %v; want %s", place, got, err, want)
		}
	}
	if err := os.Symlink("/nowhere/python", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	broken := tree(t, ".venv/pyvenv.cfg")
	for _, c := range []struct {
		search Search
		want   string
	}{
		{Search{Dir: dir, Python: "./nope", Getenv: env("", path)}, "/nope"},
		{Search{Dir: dir, Python: "./plain", Getenv: env("", path)}, "/plain"},
		{Search{Dir: dir, Python: "./venv", Getenv: env("", path)}, "/venv"},
		{Search{Dir: dir, Python: "./dangling", Getenv: env("", path)}, "/nowhere/python"},
		{Search{Dir: dir, Python: "python9", Getenv: env("", path)}, `"python9"`},
		{Search{Dir: dir, Venv: "nope", Getenv: env("", path)}, "/nope"},
		{Search{Dir: dir, Venv: "plain", Getenv: env("", path)}, "/plain"},
		{Search{Dir: dir, Venv: "empty", Getenv: env("", path)}, "/empty"},
		{Search{Dir: dir, Getenv: env("/nope", path)}, "$VIRTUAL_ENV: venv /nope"},
		{Search{Dir: broken, Getenv: env("", path)}, "bin/python"}, // not passed over in silence
		{Search{Dir: bare, Getenv: env("", "")}, "python"},
	} {
		if got, err := Find(c.search); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %+v, %v; want %q", c.search, got, err, c.want)
		}
	}
}
