package integration

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// All that is wrong with a command line is told by one run: flags, values, other servers' flags, apps.
func TestFault_A4_CheckTellsAllAtOnce(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("x"), "bad.toml": "max_bdy = 1\n[[app]]\nworkers = \"x\"\n"})
	// Of the start script of Apache Superset.
	superset := strings.Fields("--bind 0.0.0.0:8088 --access-logfile - --error-logfile - --workers 1 --worker-class gthread --worker-connections 1000 --threads 20 " +
		"--timeout 60 --keep-alive 2 --max-requests 0 --max-requests-jitter 0 --limit-request-line 0 --limit-request-field_size 0 app:app")
	if r := run(t, dir, nil, append([]string{"check"}, superset...)...); r.code != 0 || strings.Count(r.errout, "\n") != 1 || !r.names("--limit-request-line, --limit-request-field_size, --worker-connections") {
		t.Errorf("%+v", r)
	}
	for _, c := range []struct {
		args  []string
		wants []string
	}{
		{strings.Fields("-k eventlet --daemon --pid x.pid --threads zero -b 1:2:3 --wrokers 4 --timeout"),
			[]string{"-k eventlet", "--daemon", "--pid", `"zero"`, `"1:2:3"`, "--workers", "--timeout=VALUE"}},
		{strings.Fields("-c bad.toml --statsd-host x:1 -t never --app name=b,modul=x,mount=/b"), []string{"bad.toml:1", "bad.toml:3", "--statsd-host", `"never"`, "modul"}},
		{strings.Fields("app:app other:app --http 8000 --preload=maybe"), []string{"other:app", "--http", `"maybe"`}},
	} {
		r := run(t, dir, nil, append([]string{"check"}, c.args...)...)
		if r.code != 2 || r.out != "" || strings.Count(r.errout, "\n  ") != len(c.wants) {
			t.Errorf("%q: %+v", c.args, r)
		}
		for _, want := range c.wants {
			if !r.names(want) {
				t.Errorf("%q: %s is not told: %s", c.args, want, r.errout)
			}
		}
		if report, code := check(t, dir, c.args...); code != 2 || len(report.Problems) != len(c.wants) {
			t.Errorf("%q: %d, %+v", c.args, code, report)
		}
		if s := run(t, dir, nil, append([]string{"serve"}, c.args...)...); s.code != 2 || s.errout != r.errout {
			t.Errorf("serve %q: %+v", c.args, s)
		}
	}
	// The app is imported too.
	r := run(t, dir, nil, "check", "--load", "--daemon", "nosuch:app")
	if r.code != 2 || !strings.Contains(r.errout, "--daemon") || !strings.Contains(r.out, "nosuch") {
		t.Errorf("%+v", r)
	}
}

// check says what is not there, as far as it can be known without the interpreter; it does not guess.
func TestFault_A4_CheckNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("x"), "shop/__init__.py": "", "shop/wsgi.py": hello("x"), "wide/__init__.py": "__path__.append('elsewhere')\n", "space/x.py": "",
		"lib/other.py": hello("x"), "old.wsgi": hello("x"), "fast.cpython-313-x86_64-linux-gnu.so": ""})
	for spec, want := range map[string]struct {
		code int
		text string
	}{
		"nosuch.py":     {2, dir + "/nosuch.py"},
		"nosuch.py:app": {2, "nosuch.py"},
		"sub/app.py":    {2, "sub/app.py"},
		"/no/where.py":  {2, "/no/where.py"},
		"nosuch:app":    {0, "nosuch"},
		"shop.wsgy:app": {0, "wsgy"},
		"shop.wsgi.x":   {0, ""}, // shop.wsgi may be a package to Python, for all we know
		"app:app":       {0, ""},
		"app.py":        {0, ""},
		"./app":         {0, ""},
		"shop.wsgi":     {0, ""},
		"wide.x:app":    {0, ""},
		"space.y:app":   {0, ""},
		"old.wsgi":      {0, ""},
		"fast:app":      {0, ""},
		"json:app":      {0, ""}, // Python's own
		"_socket:app":   {0, ""},
	} {
		r, code := check(t, dir, spec)
		if code != want.code || r.OK != (code == 0) || len(r.Problems)+len(r.Warnings) != min(len(want.text), 1) || !strings.Contains(fmt.Sprint(r), want.text) {
			t.Errorf("%s: %+v", spec, r)
		}
	}
	if r := run(t, dir, nil, "check", "--pythonpath", "lib", "other:app"); r.code != 0 || strings.Contains(r.errout, "other") {
		t.Errorf("%+v", r)
	}
	if r, code := check(t, dir, "--app", "name=a,module=nosuch.py", "--app", "name=b,module=nosuch:app,mount=/b", "--app", "name=c,module=gone.py,mount=/c"); r.OK || code != 2 || len(r.Problems) != 2 || len(r.Warnings) != 1 {
		t.Errorf("%+v", r)
	}
}

// What is on or off takes these words, and their usual others, in every layer.
func TestFault_A4_OnAndOff(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("x")})
	value := func(env []string, args ...string) (map[string]string, result) {
		r := run(t, dir, env, append([]string{"config", "--json"}, args...)...)
		var list []struct{ Key, Value string }
		if r.code == 0 {
			if err := json.Unmarshal([]byte(r.out), &list); err != nil {
				t.Fatal(err)
			}
		}
		got := map[string]string{}
		for _, e := range list {
			got[e.Key[strings.LastIndexByte(e.Key, '.')+1:]] = e.Value
		}
		return got, r
	}
	for _, key := range []string{"preload", "reload", "follow_symlinks", "static_compress", "compress", "request_buffering", "no_new_privs"} {
		flag := "--" + strings.ReplaceAll(key, "_", "-")
		for word, want := range map[string]string{"on": "on", "off": "off", "true": "on", "false": "off", "yes": "on", "no": "off", "1": "on", "0": "off"} {
			write(t, dir, map[string]string{key + word + ".toml": fmt.Sprintf("[[app]]\nmodule = \"app:app\"\n%s = %q\n", key, word)})
			forms := map[string]func() (map[string]string, result){
				"two words": func() (map[string]string, result) { return value(nil, flag, word, "app:app") },
				"one word":  func() (map[string]string, result) { return value(nil, "app:app", flag+"="+word) },
				"variable": func() (map[string]string, result) {
					return value([]string{"STANDPIPE_" + strings.ToUpper(key) + "=" + word})
				},
				"file": func() (map[string]string, result) { return value(nil, "-c", key+word+".toml") },
			}
			if word == "true" || word == "false" {
				write(t, dir, map[string]string{key + word + "2.toml": fmt.Sprintf("[[app]]\nmodule = \"app:app\"\n%s = %s\n", key, word)})
				forms["boolean in the file"] = func() (map[string]string, result) { return value(nil, "-c", key+word+"2.toml") }
			}
			for form, get := range forms {
				if got, r := get(); got[key] != want {
					t.Errorf("%s: %s as %s is %q: %s", key, word, form, got[key], r.errout)
				}
			}
		}
	}
	for _, args := range [][]string{{"check", "--json", "on"}, {"check", "--json=true"}, {"check", "--load", "on"}, {"check", "--load=off"}} {
		if r := run(t, dir, nil, args...); r.code != 0 {
			t.Errorf("%q: %+v", args, r)
		}
	}
	// The documents name `off` for some that are no switches: a file may say false.
	write(t, dir, map[string]string{"off.toml": "control = false\n[log]\naccess_log = false\n[[app]]\nmodule = \"app:app\"\n"})
	if got, r := value(nil, "-c", "off.toml"); got["control"] != "off" || got["access_log"] != "off" {
		t.Errorf("%+v", r)
	}
}
