package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const twoApps = `[[app]]
name = "a"
module = "a"
[[app]]
name = "b"
mount = "/b"
env_file = [".env"]
env = { OWN = "1" }
pythonpath = ["lib"]
`

// Of several apps, one whose folder or interpreter is missing does not stop the others; what comes later heals it.
func TestBrokenApp(t *testing.T) {
	for _, c := range []struct{ key, says string }{
		{"dir = \"late\"\nvenv = \"env\"", "DIR/late"},
		{"dir = \"late\"\nmodule = \"b\"\npython = \"env/bin/python\"", "DIR/late"},
		{"dir = \"there\"\nvenv = \"env\"", "venv DIR/there/env"},
		{"dir = \"there\"\npython = \"env/bin/python\"", "python DIR/there/env/bin/python"},
		{"dir = \"plain\"", "DIR/plain"},
	} {
		p := newProject(t, "there/app.py", "plain")
		p.write("there/.env", "FROM_FILE=1\n")
		if err := os.Mkdir(filepath.Join(p.dir, "there/lib"), 0o755); err != nil {
			t.Fatal(err)
		}
		p.toml(twoApps + c.key + "\n")
		says := strings.ReplaceAll(c.says, "DIR", p.dir)
		p.wrong("\"b\" " + says) // check lists it, once
		p.in.Tolerant = true
		cfg, _ := p.load()
		a, b := &cfg.Apps[0], &cfg.Apps[1]
		if a.Broken != nil || a.Interpreter.Path == "" {
			t.Errorf("a = %+v", a)
		}
		if b.Broken == nil || !names(b.Broken.Error(), says) || b.Module == "" && !slices.Contains(b.Candidates, "app.py") {
			t.Errorf("b is broken by %v, want %q; it has %q", b.Broken, says, b.Candidates)
		}
		if _, err := b.Again(); err == nil || !names(err.Error(), says) {
			t.Errorf("Again: %v, want %q", err, says)
		}
		if again, err := a.Again(); again != a || err != nil {
			t.Errorf("Again of a whole app: %v", err)
		}
		if strings.HasPrefix(c.key, "dir = \"plain\"") {
			continue
		}
		p.write("late/.env", "FROM_FILE=1\n")
		for _, dir := range []string{"late", "there"} {
			if err := os.Chmod(p.write(dir+"/env/bin/python", "#!/bin/sh\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		now, err := b.Again()
		if err != nil || now.Interpreter.Path != filepath.Join(b.Dir, "env/bin/python") || !slices.Equal(now.Environ(), []string{"FROM_FILE=1", "OWN=1"}) || now.Broken != nil {
			t.Errorf("%s: healed: %v, %+v", c.key, err, now)
		}
		if b.Broken == nil || b.Interpreter.Path != "" {
			t.Error("Again changed the configuration")
		}
	}
}

// A variable file that the late folder does not have is a reason too: the app is not started without it.
func TestBrokenAppEnvFile(t *testing.T) {
	p := newProject(t)
	p.toml(twoApps + "dir = \"late\"\n")
	p.in.Tolerant = true
	cfg, _ := p.load()
	p.write("late/app.py", "")
	if _, err := cfg.Apps[1].Again(); err == nil || !names(err.Error(), "env_file "+p.dir+"/late/.env") {
		t.Errorf("Again: %v", err)
	}
}

// With one app, with no whole app, or with another problem, what is missing is a problem for everybody.
func TestToleranceEnds(t *testing.T) {
	p := newProject(t, "app.py")
	p.in.Tolerant = true
	p.flag("venv", "nope")
	p.wrong("venv " + p.dir + "/nope")
	p.in.Flags = nil
	p.flag("app", "name=a,module=a,venv=nope", "name=b,module=b,mount=/b,dir=nope")
	p.wrong("\"a\" venv "+p.dir+"/nope", "\"b\" "+p.dir+"/nope")
	p.in.Flags = nil
	p.flag("app", "name=a,module=a", "name=b,module=b,venv=nope")
	p.wrong("\"a\" \"b\" /", "\"b\" venv "+p.dir+"/nope")
}

// What could not be read gives one problem, and nothing that follows from it.
func TestOneProblemForOneMistake(t *testing.T) {
	for _, c := range []struct{ toml, want string }{
		{"a = \n", "standpipe.toml:1: "},
		{"[app]\nmodule = \"shop\"\n", "[[app]]"},
		{"[[apps]]\nmodule = \"shop\"\n", "apps"},
		{"module = \"shop\"\n", "module [[app]]"},
		{"[[app]]\nmodul = \"shop\"\n", "modul module"},
		{"[[app]]\nmodule = [1]\n", "module"},
		{"[[app]]\nmodule = \"shop\"\ndir = []\n", "dir"},
		{"[[app]]\nmodule = \"a\"\n[[app]]\nmodule = \"b\"\nmount = [\"/b\"]\n", "mount"},
		{"[[app]]\nmodule = \"a\"\n[[app]]\nmodule = \"b\"\nmonut = \"/b\"\n", "monut mount"},
		{"[[app]]\nmodule = \"shop\"\n[[listen]]\nadress = \":1\"\n", "adress address"},
		{"[[app]]\nmodule = \"shop\"\n[[listen]]\naddress = \":x\"\n", ":x"},
		{"[[app]]\nmodule = \"shop\"\n[stop]\nstop_timeout = 1\nterm_grace = \"x\"\n", "stop.term_grace x"},
		{"[[app]]\nmodule = \"shop\"\n[limits]\nbuffer_body = \"200MiB\"\nmax_body = \"1gig\"\n", "limits.max_body 1gig"},
	} {
		p := newProject(t)
		p.toml(c.toml)
		p.wrong(c.want)
	}
	for _, c := range []struct{ flag, value, want string }{
		{"workers", "x", "\"x\""},
		{"threads", "-1", "threads -1"},
		{"queue", "-1", "queue -1"},
		{"bind", "1:2:3", "1:2:3"},
	} {
		p := newProject(t, "app.py")
		p.flag(c.flag, c.value)
		p.wrong(c.want)
	}
	for flag, want := range map[string]string{"config": "nope.toml", "app": "KEY=VALUE"} {
		p := newProject(t)
		p.flag(flag, "nope.toml")
		if flag == "config" {
			p.flag("workers", "shop=3")
		}
		p.wrong(want)
	}
	p := newProject(t) // what stands on its own is told beside it
	p.flag("config", "nope.toml")
	p.flag("threads", "0")
	p.wrong("nope.toml", "threads 0 1 4096")
}

func TestLaterKeys(t *testing.T) {
	for text, want := range map[string]string{
		"[[app]]\nworker_class = \"gevent\"\n":                   "gevent",
		"[[listen]]\naddress = \":1\"\nprotocol = \"fastcgi\"\n": "standpipe.toml:3: protocol fastcgi",
		"bind = \"https://:1\"\n":                                "certificate",
	} {
		p := newProject(t, "app.py")
		p.toml(text)
		p.wrong(want)
	}
	// A key that has arrived is a setting, not one of a later release.
	for _, key := range product().Later {
		for _, s := range Settings() {
			if s.Key == key {
				t.Errorf("%s is a setting and is called one of a later release", key)
			}
		}
	}
}
