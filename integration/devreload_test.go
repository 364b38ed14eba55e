package integration

import (
	"strings"
	"syscall"
	"testing"
)

// With --reload a change of what the app has imported is served, a broken one is told and changes nothing, and what was
// broken from the start is served when it is repaired.
func TestReloadOnChange(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{
		"app.py":              "import shop.views\nfrom shop.views import app\n",
		"shop/__init__.py":    "",
		"shop/views.py":       "from shop.text import TEXT\n" + strings.Replace(hello("?"), `"?".encode()`, `TEXT.encode()`, 1),
		"shop/text.py":        "TEXT = 'one'\n",
		"shop/not_loaded.py":  "",
		"templates/page.html": "a",
	})
	s := start(t, opts{App: "app:app", Dir: dir, Args: []string{"-w", "1", "--reload"}})
	serves := func(want string) {
		t.Helper()
		eventually(t, "it serves "+want, func() bool { r, err := s.try(s.request("GET", "/", nil)); return err == nil && r.Body == want })
	}
	serves("one")
	write(t, dir, map[string]string{"shop/text.py": "TEXT = 'two'\n"})
	serves("two")
	write(t, dir, map[string]string{"shop/text.py": "TEXT = (\n"})
	failed := s.waitEvent("reload_failed")
	if !strings.Contains(failed.str("traceback"), "text.py") || failed["serving"] == nil {
		t.Errorf("%v", failed)
	}
	serves("two")
	write(t, dir, map[string]string{"shop/text.py": "from shop.fresh import TEXT\n"}) // a module that is not there yet
	eventually(t, "that has failed too", func() bool { return len(s.events("reload_failed")) == 2 })
	write(t, dir, map[string]string{"shop/fresh.py": "TEXT = 'three'\n"})
	serves("three")
	n := len(s.events("reload"))
	write(t, dir, map[string]string{"shop/not_loaded.py": "x = 1\n"})
	write(t, dir, map[string]string{"templates/page.html": "b"})
	eventually(t, "a template has changed", func() bool { return len(s.events("reload")) > n })
	if r := s.events("reload"); !strings.HasSuffix(r[n].str("path"), "page.html") {
		t.Errorf("%v", r[n])
	}
}

func TestReloadOnChangeFromABrokenStart(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": "def app(:\n"})
	s := start(t, opts{App: "app:app", Dir: dir, Args: []string{"-w", "1", "--reload"}})
	s.waitEvent("not_booted")
	s.want(503, "/")
	write(t, dir, map[string]string{"app.py": hello("repaired")})
	eventually(t, "it serves", func() bool { r, err := s.try(s.request("GET", "/", nil)); return err == nil && r.Body == "repaired" })
	_ = syscall.Kill(s.Pid, syscall.SIGTERM)
	if code := s.wait(); code != 0 {
		t.Errorf("exit %d", code)
	}
}
