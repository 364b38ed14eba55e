package config

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/discover"
)

func listenSettings() []*Setting {
	return []*Setting{
		{Key: "address", Scope: OfListen, Kind: Text, NoEnv: true,
			Doc: "As after `--bind`.",
			set: func(t target, in input) error {
				l, err := ParseListen(in.last(), in.base)
				if err != nil {
					return err
				}
				// The keys beside it may have been read before it.
				if t.listen.Mode != 0 {
					l.Mode = t.listen.Mode
				}
				t.listen.Network, t.listen.Address, t.listen.Mode, t.listen.scheme = l.Network, l.Address, l.Mode, l.scheme
				if t.listen.User == "" {
					t.listen.User = l.User
				}
				if t.listen.Group == "" {
					t.listen.Group = l.Group
				}
				return nil
			}, show: func(t target) (string, bool) { return t.listen.String(), true }},
		{Key: "protocol", Scope: OfListen, Kind: Choice, Choices: []string{"http", "uwsgi"}, NoEnv: true, Default: "http", Derived: "what the address begins with",
			Doc: "What is spoken there: `http`, or `uwsgi` to a web server in front (docs/neighbours.md).", set: setProtocol, show: func(t target) (string, bool) { return t.listen.Protocol, true }},
		{Key: "mode", Scope: OfListen, Kind: Mode, NoEnv: true, Derived: "0666",
			Doc: "The permissions of a unix socket. Whoever may write to it may connect.", set: setMode, show: unixOnly(func(l *Listen) string { return fmt.Sprintf("%#o", l.Mode.Perm()) })},
		{Key: "user", Scope: OfListen, Kind: Text, NoEnv: true, Derived: "the user that runs standpipe",
			Doc: "The owner of a unix socket, by name or number.", at: func(t target) any { return &t.listen.User }, show: unixOnly(func(l *Listen) string { return l.User })},
		{Key: "group", Scope: OfListen, Kind: Text, NoEnv: true, Derived: "the group that runs standpipe",
			Doc: "The group of a unix socket, by name or number.", at: func(t target) any { return &t.listen.Group }, show: unixOnly(func(l *Listen) string { return l.Group })},
		{Key: "backlog", Scope: OfListen, Kind: Int, Flags: []string{"backlog"}, Derived: "the system's somaxconn, at least 1024",
			Doc: "Connections that may wait to be accepted. The system has a ceiling of its own (net.core.somaxconn). The flag and the variable hold for every address.",
			at:  func(t target) any { return &t.listen.Backlog }},
	}
}

func appSettings() []*Setting {
	return append([]*Setting{
		{Key: "name", Scope: OfApp, Kind: Text, NoEnv: true, Derived: "the module's first part, or the folder's name",
			Doc: "The app's name in logs and commands: letters, digits, dot, dash, underscore.",
			at:  func(t target) any { return &t.app.Name }},
		{Key: "module", Scope: OfApp, Kind: Text, Derived: "FLASK_APP; else the first that holds an app of " + discover.Places,
			Doc: "What to load: `module:callable`, `module:factory`, `module:factory(\"literal\")`, `package.module`, `path/to/file.py`, `path/to/file.py:callable`, `path/to/app.wsgi`. On the command line it is APP.",
			at:  func(t target) any { return &t.app.Module }},
		{Key: "dir", Scope: OfApp, Kind: Path, Flags: []string{"dir", "chdir"}, Hint: "DIR", Derived: "the current folder; for an app in a file, the file's folder", Reload: true,
			Doc: "The app's folder: the workers' working directory and first on sys.path.",
			at:  func(t target) any { return &t.app.Dir }},
		{Key: "python", Scope: OfApp, Kind: Text, Flags: []string{"python"}, Reload: true, Hint: "PYTHON",
			Derived: "that of venv, $VIRTUAL_ENV, a virtual environment (pyvenv.cfg, or conda's) called .venv, venv, env or ENV in DIR or in the folder above it, python3 in PATH: the first there is",
			Doc:     "The interpreter: a path, relative to dir, or a name to look for in PATH.",
			at:      func(t target) any { return &t.app.Python }},
		{Key: "venv", Scope: OfApp, Kind: Text, Flags: []string{"venv"}, Reload: true, Hint: "DIR",
			Doc: "A virtual environment's folder, relative to dir.",
			at:  func(t target) any { return &t.app.Venv }},
		{Key: "env", Scope: OfApp, Kind: Pairs, Flags: []string{"env", "e"}, NoEnv: true, Reload: true,
			Doc: "A variable for the workers: `-e DEBUG=0`. Repeatable; `-e HOSTS=a,b` is one variable. In the file: `env = { DEBUG = \"0\" }`. Wins over env_file.",
			set: setEnv, show: func(target) (string, bool) { return "", false }},
		{Key: "env_file", Scope: OfApp, Kind: List, Flags: []string{"env-file"}, Reload: true, Hint: "FILE",
			Doc: "Files with KEY=VALUE lines, relative to dir. Repeatable; a later file wins. No file is read unasked.",
			at:  func(t target) any { return &t.app.EnvFile }},
		{Key: "pythonpath", Scope: OfApp, Kind: List, Flags: []string{"pythonpath"}, Reload: true, Hint: "DIR,...",
			Doc: "Folders that go on sys.path after dir, relative to dir.",
			at:  func(t target) any { return &t.app.PythonPath }},
		{Key: "mount", Scope: OfApp, Kind: Text, Flags: []string{"mount"}, Default: "/", Reload: true, Hint: "PATH",
			Doc: "The path that the app answers for: SCRIPT_NAME. The longest mount of a host wins, at a segment's end: `/shop` takes `/shop` and `/shop/cart`, not `/shopping`.",
			set: setMount, show: func(t target) (string, bool) { return t.app.Mount, true }},
		{Key: "hosts", Scope: OfApp, Kind: List, Flags: []string{"host", "hosts"}, Reload: true, Hint: "HOST,...", Derived: "every host",
			Doc: "The hosts that the app answers for: `shop.example.org`, `*.example.org`. A request's port does not count. Repeatable.",
			set: func(t target, in input) error {
				t.app.Hosts = nil
				for _, h := range in.list() {
					t.app.Hosts = append(t.app.Hosts, strings.TrimSuffix(strings.ToLower(h), "."))
				}
				return nil
			}, show: func(t target) (string, bool) { return strings.Join(t.app.Hosts, ","), true }},
		{Key: "sendfile_roots", Scope: OfApp, Kind: List, Flags: []string{"sendfile-root", "sendfile-roots"}, Reload: true, Hint: "DIR",
			Doc: "Folders whose files the app may send by the field `X-Sendfile: /absolute/path`, relative to dir. Repeatable. Without any the field passes like any other.",
			at:  func(t target) any { return &t.app.Files.SendfileRoots }},
		workersSetting(),
		atLeast(1, perApp("threads", Int, []string{"threads"}, "1", "", "Requests that one worker runs at a time. Above 1 the app has to be thread-safe.", func(a *App) any { return &a.Workers.Threads })),
		perApp("gevent", Int, []string{"gevent"}, "0", "", "Requests that one worker runs at a time as greenlets of gevent, which the app's Python has to have. The standard library is monkey-patched before the app is imported. At most 10000; not together with threads. 0: no gevent.", func(a *App) any { return &a.Workers.Gevent }),
		perApp("prefetch", Int, []string{"prefetch"}, "8", "", "Requests that a busy worker with one thread may be sent beyond the one that it runs, so that it does not wait for the next one between two. Only while no worker is idle and the app's requests are short: what has not started is taken back when one takes longer than 5 ms, and goes to another worker when this one dies. 0: none.", func(a *App) any { return &a.Requests.Prefetch }),
		perApp("timeout", Duration, []string{"timeout", "t"}, "30s", "", "From the start of the app's call to its first octets of body, or its end; then 504 and a new worker. Time in the waiting line does not count. An app that goes on after its client has left, or in `standpipe.after_response`, has as long before its worker is replaced; where others run in the same worker, an answer that has begun is left alone.", func(a *App) any { return &a.Requests.Timeout }),
		perApp("stream_timeout", Duration, []string{"stream-timeout"}, "0", "", "How long the app may be silent within its answer, once that has begun; then the connection is cut and the worker replaced. Time in which the client takes nothing does not count.", func(a *App) any { return &a.Requests.StreamTimeout }),
		choice([]string{"finish", "cancel"}, perApp("on_disconnect", Choice, []string{"on-disconnect"}, "finish", "", "When a client leaves before its answer has begun. `finish`: the app goes on, and nobody gets its answer. `cancel`: `standpipe_shim.ClientGone` is raised in the app, and the worker is replaced: its locks and connections are suspect. Other requests that it runs have drain_timeout to finish. An answer that has begun stops at its next chunk either way.", func(a *App) any { return &a.Requests.OnDisconnect })),
		choice([]string{"on", "off"}, perApp("request_buffering", Choice, []string{"request-buffering"}, "on", "", "Whether a request body is complete before a worker is taken. `off`: the app runs at once and reads the body as it comes, so a slow client holds a worker, and one that leaves has been seen by the app; `timeout` counts only while octets that have come wait for the app, anew with each that it takes; a chunked body has no CONTENT_LENGTH, which Django takes for an empty one.", func(a *App) any { return &a.Requests.Buffering })),
		perApp("queue", Int, []string{"queue"}, "", "256 + 16 per worker", "Requests that may wait for a worker; more are answered 503 with Retry-After.", func(a *App) any { return &a.Requests.Queue }),
		perApp("queue_timeout", Duration, []string{"queue-timeout"}, "10s", "", "How long a request may wait for a worker; then 503.", func(a *App) any { return &a.Requests.QueueTimeout }),
		perApp("boot_timeout", Duration, []string{"boot-timeout"}, "60s", "", "How long a worker may take until it is ready.", func(a *App) any { return &a.Life.BootTimeout }),
	}, slices.Concat(appStaticSettings(), lifeSettings(), confineSettings())...)
}

func perApp(key string, kind Kind, flags []string, def, derived, doc string, at func(*App) any) *Setting {
	return &Setting{Key: key, Scope: OfApp, Kind: kind, Flags: flags, Default: def, Derived: derived, Doc: doc, Reload: true,
		at: func(t target) any { return at(t.app) }}
}

func choice(of []string, s *Setting) *Setting {
	s.Choices = of
	return s
}

func atLeast(n int, s *Setting) *Setting {
	s.Least = n
	return s
}

func unixOnly(f func(*Listen) string) func(target) (string, bool) {
	return func(t target) (string, bool) {
		if t.listen.Network != "unix" {
			return "", false
		}
		v := f(t.listen)
		return v, v != ""
	}
}

func setProtocol(t target, in input) error {
	switch v := in.last(); v {
	case "http", "uwsgi":
		t.listen.Protocol = v
		return nil
	case "https", "fastcgi":
		return fmt.Errorf("%q is not there yet in this release; http and uwsgi are", v)
	default:
		return fmt.Errorf("%q is not one of http, uwsgi", v)
	}
}

func parseMode(s string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0o"), 8, 32)
	if err != nil || n == 0 || n > 0o777 {
		return 0, fmt.Errorf("%q is not a mode; write it in octal, as \"0660\"", s)
	}
	return fs.FileMode(n), nil
}

func setMode(t target, in input) error {
	m, err := parseMode(in.last())
	if err == nil {
		t.listen.Mode = m
	}
	return err
}

// setEnv adds to what is there: variables of all layers count, the later one of a name wins.
func setEnv(t target, in input) error {
	for _, v := range in.values {
		name, value, ok := strings.Cut(v, "=")
		if !ok {
			return fmt.Errorf("%q has no =; write NAME=VALUE", v)
		}
		if err := checkEnvName(name); err != nil {
			return err
		}
		if strings.ContainsRune(value, 0) {
			return fmt.Errorf("the value of %s holds a NUL", name)
		}
		t.app.Env = append(t.app.Env, EnvVar{name, value, in.src})
	}
	return nil
}

func checkEnvName(name string) error {
	if name == "" || strings.ContainsAny(name, "=\x00 \t\r\n") {
		return fmt.Errorf("%q is not a variable's name", name)
	}
	return nil
}

// setMount takes a trailing slash for what it means: "/shop/" is "/shop".
func setMount(t target, in input) error {
	m := in.last()
	if m == "" {
		m = "/"
	}
	if len(m) > 1 {
		m = strings.TrimSuffix(m, "/")
	}
	t.app.Mount = m
	return nil
}
