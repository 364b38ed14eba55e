package config

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// project is a folder with a python in its PATH, and what Load is asked there.
type project struct {
	t   *testing.T
	dir string
	in  Input
}

func newProject(t *testing.T, files ...string) *project {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("missing program: sh")
	}
	p := &project{t: t, dir: t.TempDir()}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "python3"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		p.write(f, "app = None\n")
	}
	p.in = Input{Dir: p.dir, Pid: 42, Environ: []string{"PATH=" + bin}, Machine: &Machine{CPUs: 4, Memory: 16 << 30, OpenFiles: 1000, Somaxconn: 4096}}
	return p
}

func (p *project) write(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
	return path
}

func (p *project) toml(text string)   { p.write("standpipe.toml", text) }
func (p *project) env(list ...string) { p.in.Environ = append(p.in.Environ, list...) }
func (p *project) flag(n string, v ...string) {
	p.in.Flags = append(p.in.Flags, schema.Flag{Name: n, Values: v})
}

func (p *project) load() (*Config, *schema.Sources) {
	p.t.Helper()
	cfg, src, err := Load(p.in)
	if err != nil {
		p.t.Fatalf("Load: %v", err)
	}
	return cfg, src
}

// wrong expects exactly these problems, in any order. Each is given by the names that it holds, with spaces between them: its
// place, the setting, the value. integration/testdata/golden has the sentences.
func (p *project) wrong(parts ...string) {
	p.t.Helper()
	_, _, err := Load(p.in)
	problems, ok := errors.AsType[schema.Problems](err)
	if !ok {
		p.t.Fatalf("no problems were found, expected %q", parts)
	}
	left := slices.Clone(problems)
	for _, part := range parts {
		i := slices.IndexFunc(left, func(q schema.Problem) bool { return names(q.String(), part) })
		if i < 0 {
			p.t.Errorf("no problem names %q; there are\n%v", part, err)
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	for _, q := range left {
		p.t.Errorf("not expected: %s", q)
	}
}

// names says whether the text holds each of the names, which have spaces between them.
func names(text, list string) bool {
	return !slices.ContainsFunc(strings.Fields(list), func(name string) bool { return !strings.Contains(text, name) })
}

func TestDefaults(t *testing.T) {
	p := newProject(t, "app.py")
	c, src := p.load()
	if got := c.Listen; len(got) != 1 || got[0].String() != "127.0.0.1:8000" || got[0].Backlog != 4096 || got[0].Protocol != "http" {
		t.Errorf("Listen = %+v", got)
	}
	a := c.Apps[0]
	if a.Name != nameOf("", p.dir) || a.Workers.Min != 4 || a.Workers.Threads != 1 || a.Requests.Queue != 256+64 || a.Mount != "/" || a.Dir != p.dir ||
		a.Requests.Timeout != 30*time.Second || a.Requests.QueueTimeout != 10*time.Second || a.Life.BootTimeout != time.Minute {
		t.Errorf("app = %+v", a)
	}
	if a.Workers.Reason != "4 cpus" || !slices.Equal(a.Candidates, []string{"app.py"}) || a.Interpreter.How != "python3 in PATH" {
		t.Errorf("app = %+v", a)
	}
	if c.Limits.BufferBody != 64<<10 || c.Limits.MaxBody != 100<<20 || c.Limits.MaxHead != 64<<10 || c.Limits.IdleTimeout != 75*time.Second || c.Limits.HeaderTimeout != 10*time.Second || c.Limits.MaxConns != 800 || c.Limits.SpoolTotal != SpoolAuto {
		t.Errorf("limits = %+v", c)
	}
	if c.Stop.Timeout != 25*time.Second || c.Stop.Graceful != 23*time.Second || c.Stop.Delay != 0 || c.Stop.TermGrace != 2*time.Second {
		t.Errorf("stop = %v %v %v %v", c.Stop.Timeout, c.Stop.Graceful, c.Stop.Delay, c.Stop.TermGrace)
	}
	if !c.Trust.Unix || !slices.Equal(c.Trust.Proxies, loopback) || c.Logs.Access != "-" || c.Logs.Error != "-" || c.Logs.Level != "info" || c.Responses.ServerHeader != "standpipe" {
		t.Errorf("rest = %+v", c)
	}
	if s := src.Of("limits.max_body"); s.Given() || s.String() != "default" {
		t.Errorf("source of max_body: %v", s)
	}
}

func TestSpoolTotal(t *testing.T) {
	p := newProject(t, "app.py")
	for text, want := range map[string]int64{"2GiB": 2 << 30, "auto": SpoolAuto, "0": 0} {
		p.env("STANDPIPE_SPOOL_TOTAL=" + text)
		c, src := p.load()
		if c.Limits.SpoolTotal != want {
			t.Errorf("%s: %d", text, c.Limits.SpoolTotal)
		}
		for _, e := range c.Effective(src) {
			if e.Key == "limits.spool_total" && e.Value != text {
				t.Errorf("%s is shown as %s", text, e.Value)
			}
		}
	}
	p.env("STANDPIPE_SPOOL_TOTAL=much")
	p.wrong("spool_total")
	p.env("STANDPIPE_SPOOL_TOTAL=1000")
	p.wrong("spool_total 1000 buffer_body 64KiB")
}

// Each layer wins over the one before it, and each value knows its layer.
func TestLayers(t *testing.T) {
	p := newProject(t)
	p.toml("[[app]]\nname = \"shop\"\nmodule = \"shop.wsgi\"\nworkers = 2\nthreads = 2\ntimeout = 5\nqueue = 7\n[limits]\nmax_body = \"1MiB\"\nmax_head = 2048\nbody_timeout = 1.5\n")
	p.env("STANDPIPE_THREADS=3", "STANDPIPE_TIMEOUT=shop=6s,9", "STANDPIPE_MAX_HEAD=4k", "STANDPIPE_QUEUE=")
	p.flag("timeout", "8")
	p.flag("max-head", "8KiB")
	c, src := p.load()
	a := c.Apps[0]
	if a.Workers.Min != 2 || a.Workers.Threads != 3 || a.Requests.Timeout != 8*time.Second || a.Requests.Queue != 7 {
		t.Errorf("app = %+v", a)
	}
	if c.Limits.MaxBody != 1<<20 || c.Limits.MaxHead != 8<<10 || c.Limits.BodyTimeout != 1500*time.Millisecond {
		t.Errorf("limits = %d %d %v", c.Limits.MaxBody, c.Limits.MaxHead, c.Limits.BodyTimeout)
	}
	for path, want := range map[string]string{
		"app.shop.workers":    "standpipe.toml:4",
		"app.shop.threads":    "env STANDPIPE_THREADS",
		"app.shop.timeout":    "flag --timeout",
		"limits.max_body":     "standpipe.toml:9",
		"limits.max_head":     "flag --max-head",
		"limits.idle_timeout": "default",
	} {
		if got := src.Of(path).String(); got != want {
			t.Errorf("source of %s = %q, want %q", path, got, want)
		}
	}
}

func TestPlatformVariablesAreDefaults(t *testing.T) {
	p := newProject(t, "wsgi.py")
	p.env("PORT=5000", "WEB_CONCURRENCY=3", "FORWARDED_ALLOW_IPS=*", "KUBERNETES_SERVICE_HOST=10.0.0.1")
	c, src := p.load()
	if c.Listen[0].Address != "0.0.0.0:5000" || src.Of("listen.0.address").String() != "env PORT" {
		t.Errorf("Listen = %v from %v", c.Listen, src.Of("listen.0.address"))
	}
	if a := c.Apps[0]; a.Workers.Min != 3 || a.Workers.Reason != "WEB_CONCURRENCY" {
		t.Errorf("workers = %d (%s)", a.Workers.Min, a.Workers.Reason)
	}
	if !slices.Equal(c.Trust.Proxies, everyone) || c.Stop.Delay != 5*time.Second || c.Stop.Graceful != 18*time.Second {
		t.Errorf("%v %v %v", c.Trust.Proxies, c.Stop.Delay, c.Stop.Graceful)
	}
	p.toml("trusted_proxies = [\"10.0.0.0/8\"]\nbind = [\"127.0.0.1:1\", \"unix:s.sock\"]\n[[app]]\nworkers = 1\n")
	c, _ = p.load()
	if c.Listen[0].Address != "127.0.0.1:1" || c.Apps[0].Workers.Min != 1 || len(c.Trust.Proxies) != 1 || c.Stop.Delay != 5*time.Second {
		t.Errorf("the file did not win: %+v", c)
	}
	if u := c.Listen[1]; u.Address != filepath.Join(p.dir, "s.sock") || u.Mode != 0o666 {
		t.Errorf("unix = %+v", u)
	}

	q := newProject(t, "wsgi.py")
	q.env("PORT=tcp://1", "WEB_CONCURRENCY=0")
	q.wrong(`PORT: tcp://1`, `WEB_CONCURRENCY: "0"`)
}

func TestListenFDs(t *testing.T) {
	p := newProject(t, "wsgi.py")
	p.env("LISTEN_FDS=2", "LISTEN_PID=42", "PORT=5000")
	if c, _ := p.load(); len(c.Listen) != 2 || c.Listen[0].String() != "fd://3" || c.Listen[1].String() != "fd://4" {
		t.Errorf("Listen = %v", c.Listen)
	}
	p.flag("bind", ":1")
	if c, _ := p.load(); len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "LISTEN_FDS") {
		t.Errorf("warnings %q", c.Warnings)
	}
	p.env("LISTEN_FDS=x")
	p.wrong(`LISTEN_FDS: "x"`)
	p.in.Flags = nil
	p.env("LISTEN_PID=41") // meant for another process
	if c, _ := p.load(); c.Listen[0].Address != "0.0.0.0:5000" {
		t.Errorf("Listen = %v", c.Listen)
	}
}

// gunicorn's --graceful-timeout alone makes the whole budget as long as it has to be.
func TestStopBudget(t *testing.T) {
	for _, c := range []struct {
		flags          []string
		stop, graceful time.Duration
	}{
		{[]string{"graceful-timeout=120"}, 122 * time.Second, 120 * time.Second},
		{[]string{"graceful-timeout=5"}, 25 * time.Second, 5 * time.Second},
		{[]string{"graceful-timeout=0"}, 0, 0},
		{[]string{"stop-timeout=0"}, 0, 0},
		{[]string{"stop-timeout=60", "shutdown-delay=10"}, 60 * time.Second, 48 * time.Second},
	} {
		p := newProject(t, "wsgi.py")
		for _, f := range c.flags {
			name, value, _ := strings.Cut(f, "=")
			p.flag(name, value)
		}
		if got, _ := p.load(); got.Stop.Timeout != c.stop || got.Stop.Graceful != c.graceful {
			t.Errorf("%v: stop %v graceful %v", c.flags, got.Stop.Timeout, got.Stop.Graceful)
		}
	}
	p := newProject(t, "wsgi.py")
	p.flag("stop-timeout", "10")
	p.flag("graceful-timeout", "10")
	p.wrong("stop_timeout")
	q := newProject(t, "wsgi.py")
	q.flag("stop-timeout", "1")
	q.wrong("stop_timeout")
}

// Every problem is in one answer.
func TestAllProblemsAtOnce(t *testing.T) {
	p := newProject(t)
	p.toml(`trusted_prox = "10.0.0.0/8"
trusted_proxies = ["10.0.0.1/8", "x"]
[limits]
max_bdy = 1
max_head = "10"
[[listen]]
address = "127.0.0.1"
protocol = "fastcgi"
adress = ":1"
[[app]]
name = "a"
module = "a"
dir = "nowhere"
mount = "a//b"
[[app]]
name = "b"
module = "b"
python = "bin/python"
env_file = [".env"]
hosts = ["http://x", "y:80", "a.*.org", "0.0.0.0"]
[[app]]
name = "b"
module = "b"
threads = 0
env = { A = [1] }
`)
	p.wrong(
		"standpipe.toml:1: trusted_prox trusted_proxies",
		"standpipe.toml:2: trusted_proxies 10.0.0.1/8 10.0.0.0/8",
		"standpipe.toml:4: limits.max_bdy limits.max_body",
		"standpipe.toml:5: max_head 10",
		"standpipe.toml:8: protocol fastcgi",
		"standpipe.toml:9: adress address",
		"standpipe.toml:13: "+p.dir+"/nowhere",
		"standpipe.toml:14: a mount a//b",
		"standpipe.toml:18: b python "+p.dir+"/bin/python",
		"standpipe.toml:19: env_file "+p.dir+"/.env",
		`http://x`, `y:80`, `a.*.org`, `0.0.0.0`,
		"standpipe.toml:22: b",
		"b threads 0",
		"standpipe.toml:25: env",
	)
}

func TestTOMLErrors(t *testing.T) {
	for text, want := range map[string]string{
		"a = \n": "standpipe.toml:1:",
		"[[app]]\nmodule = \"a\"\nmodule = \"b\"\n": "standpipe.toml:",
		"[app]\nmodule = \"a\"\n":                   "standpipe.toml:1: [[app]]",
		"limits = 3\n":                              "standpipe.toml:1: limits [limits]",
		"workers = 3\n":                             "standpipe.toml:1: workers [[app]]",
		"max_body = 3\n":                            "standpipe.toml:1: max_body [limits]",
		"[limits]\n\nmax_body = [1]\n":              "standpipe.toml:3: limits.max_body",
		"[limits]\nmax_body = true\n":               "standpipe.toml:2: limits.max_body",
		"[limits]\nmax_body = -1\n":                 "standpipe.toml:2: limits.max_body -1",
		"[log]\nlog_format = \"xml\"\n":             "standpipe.toml:2: log.log_format xml",
		"[[listen]]\n":                              "standpipe.toml:1: [[listen]] address",
		"bind = \":1\"\n[[listen]]\naddress=\":2\"": "standpipe.toml:1: bind [[listen]]",
		"[[app]]\n[app.static]\nurl = \"/\"\n":      "standpipe.toml:2: static [[app.static]]",
		"[[app]]\nenv.A = 1\nenv.\"b c\" = 2\n":     "standpipe.toml:2: env b",
	} {
		p := newProject(t, "app.py")
		p.toml(text)
		p.wrong(want)
	}
}

func TestListenTable(t *testing.T) {
	p := newProject(t, "app.py")
	p.toml("[[listen]]\nmode = 0o660\naddress = \"unix:run.sock?group=0\"\n[[listen]]\naddress = \":80\"\nbacklog = 5\n")
	c, _ := p.load()
	if u := c.Listen[0]; u.Mode != 0o660 || u.Group != "0" || u.Backlog != 4096 || u.Address != filepath.Join(p.dir, "run.sock") {
		t.Errorf("unix = %+v", u)
	}
	if l := c.Listen[1]; l.Address != ":80" || l.Backlog != 5 {
		t.Errorf("tcp = %+v", l)
	}
	p.flag("bind", ":1", ":2")
	p.flag("backlog", "9")
	if c, _ = p.load(); len(c.Listen) != 2 || c.Listen[0].Backlog != 9 || c.Listen[1].Address != ":2" {
		t.Errorf("the flag did not win: %+v", c.Listen)
	}
	p.in.Flags = nil
	p.flag("bind", ":1", ":1", ":0", ":0", "unix:/nowhere/at/all.sock?user=nobody-of-this-name")
	p.wrong(":1", "/nowhere/at", "nobody-of-this-name")
}

func TestNothingToServe(t *testing.T) {
	p := newProject(t)
	p.wrong(p.dir + " FLASK_APP standpipe.toml wsgi.py")
}

func TestWarnings(t *testing.T) {
	p := newProject(t, "app.py", "gunicorn.conf.py")
	p.env("GUNICORN_CMD_ARGS=-w 3", "STANDPIPE_WROKERS=3", "STANDPIPE_SERVICE_PORT=1", "STANDPIPE_PORT_80_TCP=tcp://1", "STANDPIPE_SOAK=1")
	c, _ := p.load()
	all := strings.Join(c.Warnings, "\n")
	for _, want := range []string{"STANDPIPE_WROKERS STANDPIPE_WORKERS", "GUNICORN_CMD_ARGS", "gunicorn.conf.py"} {
		if !names(all, want) {
			t.Errorf("no warning about %s in\n%s", want, all)
		}
	}
	if len(c.Warnings) != 3 {
		t.Errorf("%d warnings:\n%s", len(c.Warnings), all)
	}
	p.flag("config", "gunicorn.conf.py")
	p.wrong("gunicorn.conf.py")
}

func TestErrorPages(t *testing.T) {
	p := newProject(t, "app.py", "busy.html")
	p.toml("error_page = { 503 = \"busy.html\", \"404\" = \"busy.html\" }\n")
	c, _ := p.load()
	if c.Responses.ErrorPages[503] != filepath.Join(p.dir, "busy.html") || len(c.Responses.ErrorPages) != 2 {
		t.Errorf("pages = %v", c.Responses.ErrorPages)
	}
	p.flag("error-page", "200=busy.html", "x")
	p.flag("access-log", "no/such.log")
	p.wrong("200", p.dir+"/no")
}
