package config

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestNamedFlags(t *testing.T) {
	p := newProject(t)
	p.toml("[[app]]\nname = \"shop\"\nmodule = \"shop\"\nworkers = 2\n[[app]]\nname = \"blog\"\nmodule = \"blog\"\nmount = \"/blog/\"\nworkers = 3\n")
	p.flag("workers", "shop=8", "4")
	c, _ := p.load()
	if c.Apps[0].Workers.Min != 8 || c.Apps[1].Workers.Min != 4 || c.Apps[1].Mount != "/blog" {
		t.Errorf("workers %d and %d, mount %q", c.Apps[0].Workers.Min, c.Apps[1].Workers.Min, c.Apps[1].Mount)
	}
	p.in.Flags = nil
	p.flag("workers", "shpo=8", "blog=0", "blog=x")
	p.wrong(`shpo shop`, `"x"`, `blog workers 0`)
}

func TestAppFlag(t *testing.T) {
	p := newProject(t, "srv/shop/x.py")
	p.flag("app", `name=shop,module=shop:create("a","b"),dir=srv/shop,hosts="a.org,B.org",workers=4,env=A=1,env=B=2`, "name=blog,module=blog:create_app,mount=/blog")
	p.flag("workers", "2")
	c, _ := p.load()
	shop, blog := c.Apps[0], c.Apps[1]
	if shop.Module != `shop:create("a","b")` || shop.Dir != filepath.Join(p.dir, "srv/shop") || !slices.Equal(shop.Hosts, []string{"a.org", "b.org"}) || shop.Workers.Min != 4 {
		t.Errorf("shop = %+v", shop)
	}
	if !slices.Equal(shop.Environ(), []string{"A=1", "B=2"}) {
		t.Errorf("environ = %q", shop.Environ())
	}
	if blog.Workers.Min != 2 || blog.Mount != "/blog" || blog.Dir != p.dir {
		t.Errorf("blog = %+v", blog)
	}
	for value, want := range map[string]string{
		"shop.wsgi":                     "KEY=VALUE",
		"name=a,module=b,wrokers=3":     "wrokers workers",
		"name=a,name=b,module=c":        "name",
		`name=a,module=b,hosts="x`:      "--app",
		"name=a b,module=x":             "\"a b\"",
		"name=a,module=x,max_body=1MiB": "[limits]",
	} {
		q := newProject(t, "app.py")
		q.flag("app", value)
		q.wrong(want)
	}
}

// --app changes the file's app of that name; the file is read only when asked for then.
func TestAppFlagBesideFile(t *testing.T) {
	p := newProject(t)
	p.toml("[[app]]\nname = \"shop\"\nmodule = \"shop\"\nthreads = 3\n")
	p.flag("config", "standpipe.toml")
	p.flag("app", "name=shop,workers=5", "name=blog,module=blog,mount=/blog")
	c, src := p.load()
	if len(c.Apps) != 2 || c.Apps[0].Workers.Min != 5 || c.Apps[0].Workers.Threads != 3 || c.Apps[0].Module != "shop" {
		t.Errorf("apps = %+v", c.Apps)
	}
	if got := src.Of("app.shop.workers").String(); got != "flag --app" {
		t.Errorf("source %q", got)
	}
	p.in.App = "other"
	p.wrong("APP: standpipe.toml:1")
	p.in.Flags = nil // APP alone: the file is not read
	if c, _ := p.load(); c.File != "" || c.Apps[0].Module != "other" {
		t.Errorf("file %q, app %+v", c.File, c.Apps[0])
	}
}

func TestFlaskApp(t *testing.T) {
	p := newProject(t)
	p.env("FLASK_APP=hello:create_app")
	c, src := p.load()
	if a := c.Apps[0]; a.Module != "hello:create_app" || a.How != "FLASK_APP" || a.Name != "hello" {
		t.Errorf("app = %+v", a)
	}
	if got := src.Of("app.hello.module").String(); got != "env FLASK_APP" {
		t.Errorf("source = %q", got)
	}
	p.in.App = "other.wsgi:application"
	if c, _ := p.load(); c.Apps[0].Module != "other.wsgi:application" || c.Apps[0].Name != "other" {
		t.Errorf("APP did not win: %+v", c.Apps[0])
	}
}

func TestMountsAndHosts(t *testing.T) {
	p := newProject(t)
	p.flag("app", "name=a,module=a", "name=b,module=b,hosts=x.org", "name=c,module=c,mount=/c")
	p.load()
	p.flag("mount", "/same") // --app's own mount wins; a and b are told apart by host
	p.load()
	p.in.Flags[0].Values = append(p.in.Flags[0].Values, "name=d,module=d,hosts=\"y.org,x.org\"")
	p.wrong(`b d /same x.org`)
}

func TestPythonAndVenv(t *testing.T) {
	p := newProject(t, "app.py")
	p.write("env/bin/python", "")
	if err := os.Chmod(filepath.Join(p.dir, "env/bin/python"), 0o755); err != nil {
		t.Fatal(err)
	}
	p.toml("[[app]]\nvenv = \"env\"\n")
	if c, _ := p.load(); c.Apps[0].Interpreter.Path != filepath.Join(p.dir, "env/bin/python") || c.Apps[0].Interpreter.How != "set in standpipe.toml:2" {
		t.Errorf("interpreter = %+v", c.Apps[0].Interpreter)
	}
	p.flag("python", "python3") // another layer: it wins
	if c, _ := p.load(); c.Apps[0].Interpreter.How != "--python" || c.Apps[0].Venv != "" {
		t.Errorf("interpreter = %+v", c.Apps[0].Interpreter)
	}
	p.flag("venv", "env")
	p.wrong("python venv")
}

func TestNameOf(t *testing.T) {
	for module, want := range map[string]string{
		"shop.wsgi:application": "shop", "mysite.wsgi": "mysite", "wsgi:app": "my-site", "deploy/shop.wsgi": "shop", "deploy/app.wsgi": "my-site",
		"hello.py:app": "hello", "blog:create_app(\"x\")": "blog", "": "my-site", "src/shop/__init__.py": "shop",
	} {
		if got := nameOf(module, "/srv/my site"); got != want || !goodName(got) {
			t.Errorf("nameOf(%q) = %q, want %q", module, got, want)
		}
	}
	if got := nameOf("", "/"); got != "app" {
		t.Errorf("in / it is %q", got)
	}
}
