package integration

import (
	"path/filepath"
	"strings"
	"testing"
)

// What people serve in other ways is answered with how it is served here.
func TestFault_A8_WhatToServeInstead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		args  []string
		want  string
	}{
		"a lone .wsgi":         {map[string]string{"hgweb.wsgi": "", "README": ""}, nil, "hgweb.wsgi"},
		"a lone .py":           {map[string]string{"hello.py": "", "setup.py": "", "test_x.py": ""}, nil, "hello.py"},
		"several":              {map[string]string{"one.py": "", "two.py": ""}, nil, "two.py"},
		"the current folder":   {map[string]string{"app.py": hello("x")}, []string{"."}, "."},
		"the folder in a path": {map[string]string{"app.py": hello("x")}, []string{"./"}, "./"},
		"another folder":       {map[string]string{"site/app.py": hello("x")}, []string{"./site"}, "--dir ./site"},
		"a folder's path":      {map[string]string{"site/app.py": hello("x")}, []string{"site/"}, "--dir site/"},
		"a project below":      {map[string]string{"backend/manage.py": "", "backend/config/urls.py": "", "fabric.py": ""}, nil, "--dir backend"},
		"paste":                {map[string]string{"kinto.ini": "[app:main]\nuse = egg:kinto\n"}, []string{"kinto.ini"}, "paste.deploy"},
		"paste with a section": {map[string]string{"kinto.ini": "[app:main]\n"}, []string{"kinto.ini:main"}, "paste.deploy"},
		"uWSGI":                {map[string]string{"site.ini": "[uwsgi]\nmodule = x\n"}, []string{"site.ini"}, "docs/migrating.md"},
		"TOML":                 {map[string]string{"standpipe.toml": ""}, []string{"standpipe.toml"}, "-c standpipe.toml"},
	} {
		dir := project(t, c.files)
		for _, command := range []string{"serve", "check"} {
			if r := run(t, dir, nil, append([]string{command}, c.args...)...); r.code != 2 || !strings.Contains(r.errout, c.want) {
				t.Errorf("%s: %s: %+v", name, command, r)
			}
		}
	}
}

// A package that standpipe guessed is called a guess when it fails; one that somebody has named is not.
func TestFault_A8_AGuessIsCalledAGuess(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"shop/__init__.py": "import nosuch_package\n", "app.wsgi": ""})
	r := run(t, dir, nil, "check", "--load")
	if r.code != 3 || !r.names("shop/__init__.py") {
		t.Errorf("%+v", r)
	}
	if named := run(t, dir, nil, "check", "--load", "shop"); named.code != 3 || len(named.out) >= len(r.out) {
		t.Errorf("%+v", named)
	}
	// Nothing in it: the file beside it is named.
	write(t, dir, map[string]string{"shop/__init__.py": "x = 1\n"})
	if r := run(t, dir, nil, "check", "--load"); r.code != 3 || !strings.Contains(r.out, "app.wsgi") {
		t.Errorf("%+v", r)
	}
}

// A Django project is served by its manage.py when that is what was named.
func TestFault_A8_ManagePyIsServed(t *testing.T) {
	t.Parallel()
	dir := project(t, nil)
	startProject(t, "mysite", dir)
	if r := run(t, dir, nil, "check", "--load", "--python", python(t), "manage.py"); r.code != 0 || !strings.Contains(r.out, "mysite.wsgi:application") {
		t.Errorf("%+v", r)
	}
}

// A manage.py in another folder than the current one finds its project, as it does under Python.
func TestFault_A8_ManagePyOfAnotherFolder(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"backend/README": ""})
	startProject(t, "config", filepath.Join(dir, "backend"))
	if r := run(t, dir, nil, "check", "--load", "--python", python(t), "backend/manage.py"); r.code != 0 || !strings.Contains(r.out, "config.wsgi:application") {
		t.Errorf("%+v", r)
	}
}

// Where the name of a folder or of a package is no app, what to write is said.
func TestFault_A8_AFolderIsNoApp(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"backend/app.py": hello("x"), "shop/__init__.py": "", "shop/wsgi.py": hello("x")})
	for name, want := range map[string]string{"backend": "--dir backend", "shop": "shop.wsgi"} {
		if r := run(t, dir, nil, "check", "--load", name); r.code != 3 || !strings.Contains(r.out, want) {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if r := run(t, dir, nil, "check", "--load", "--dir", "backend"); r.code != 0 {
		t.Errorf("%+v", r)
	}
}
