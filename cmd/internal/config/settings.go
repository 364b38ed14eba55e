package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Scope says what a setting belongs to.
type Scope uint8

// The scopes.
const (
	OfCommand Scope = iota // the command line alone: no key in the file
	OfServer
	OfListen   // in [[listen]]
	OfInternal // in [[internal]]
	OfRoute    // in [[route]]
	OfStatic   // in [[static]] and [[app.static]]
	OfApp      // in [[app]] and in --app
)

// Setting is one thing that can be set. Everything that is said about it anywhere is said here once.
type Setting struct {
	Key     string
	Section string // the file's table for a setting of the server; empty: top level
	Scope   Scope
	Kind    Kind
	Flags   []string // the long name first, then its other spellings and letters; none: no flag
	NoEnv   bool     // there is no STANDPIPE_ variable
	Choices []string // of a Choice
	Hint    string   // what stands for the value in --help; empty: by Kind
	Least   int      // of an Int where 0 would not mean "no limit"; 0: none
	Default string   // as one would write it; empty: none, or worked out
	Derived string   // how the default is worked out, in words; empty: Default is all
	Doc     string
	Reload  bool // may change while running, without new listeners or a new process

	at   func(t target) any                 // the field; its type goes with Kind
	set  func(t target, in input) error     // instead of at, for what is no plain field
	show func(t target) (v string, ok bool) // likewise; not ok: nothing to show
}

// target is what a setting's value is written to: the one that its scope says.
type target struct {
	cfg      *Config
	app      *App
	listen   *Listen
	internal *Internal
	route    *Route
	static   *Static
}

// input is one layer's word on one setting.
type input struct {
	values []string // more than one for lists, pairs and flags given again
	exact  bool     // values came from an array: commas are part of them
	src    Source
	base   string  // what relative paths are relative to
	tables []group // instead of values: [[app.static]]
}

func (in input) last() string { return in.values[len(in.values)-1] }

func (in input) list() []string {
	if in.exact {
		return slices.Clone(in.values)
	}
	var out []string
	for _, v := range in.values {
		out = append(out, splitList(v)...)
	}
	return out
}

// Settings is the table, in the order of the documentation.
func Settings() []*Setting {
	return slices.Concat(commandSettings(), serverSettings(), controlSettings(), listenSettings(), internalSettings(), staticSettings(), appSettings(), routeSettings())
}

// EnvName is the setting's variable; empty: it has none.
func (s *Setting) EnvName() string {
	if s.NoEnv {
		return ""
	}
	return "STANDPIPE_" + strings.ToUpper(s.Key)
}

// FileKey is the key as one would write it in a sentence: "limits.max_body", "workers".
func (s *Setting) FileKey() string {
	if s.Section != "" {
		return s.Section + "." + s.Key
	}
	return s.Key
}

// Named says whether the flag and the variable take NAME=VALUE for one app.
func (s *Setting) Named() bool {
	return s.Scope == OfApp && (s.Kind == Int || s.Kind == Duration || s.Kind == Size)
}

// Repeatable says whether giving the flag again adds to it.
func (s *Setting) Repeatable() bool {
	return s.Kind == List || s.Kind == Pairs || s.Named() || s.Key == "app"
}

// Placeholder is what stands for the value in --help.
func (s *Setting) Placeholder() string {
	hint := s.Hint
	switch {
	case hint != "":
	case s.Kind == Choice:
		hint = strings.Join(s.Choices, "|")
	default:
		hint = [...]string{"TEXT", "", "FILE", "N", "SIZE", "DURATION", "A,B", "NAME=VALUE", "MODE", "[on|off]"}[s.Kind]
	}
	if s.Named() {
		hint += " or APP=" + hint
	}
	return hint
}

func commandSettings() []*Setting {
	return []*Setting{
		{Key: "config", Kind: Path, Flags: []string{"config", "c"},
			Derived: "standpipe.toml in the current folder, when neither APP nor --app is given",
			Doc:     "The configuration file, TOML."},
		{Key: "app", Kind: Text, Flags: []string{"app"}, NoEnv: true, Hint: "KEY=VALUE,...",
			Doc: "One app, as KEY=VALUE pairs separated by commas, with the keys of [[app]]: `name=shop,module=shop.wsgi:application,dir=/srv/shop`. Repeatable. A value may hold commas inside quotes: `hosts=\"a.org,b.org\"`. An app of the same name in the file is changed, another one is added."},
		{Key: "worker_class", Kind: Choice, Choices: []string{"sync", "gthread", "gevent"}, Flags: []string{"worker-class", "k"}, NoEnv: true,
			Doc: "Accepted so that a gunicorn command line goes on working. `sync` and `gthread`: `--threads` alone decides. `gevent`: as `--gevent 1000`, or what `--worker-connections` or `--gevent` says."},
		{Key: "worker_connections", Kind: Int, Flags: []string{"worker-connections"}, NoEnv: true,
			Doc: "With `-k gevent`, as in gunicorn: the N of `--gevent N`. An error without it."},
	}
}

func serverSettings() []*Setting {
	return append([]*Setting{
		{Key: "bind", Scope: OfServer, Kind: List, Flags: []string{"bind", "b"}, Hint: "ADDRESS",
			Derived: "127.0.0.1:8000; 0.0.0.0:$PORT when PORT is set; the sockets of LISTEN_FDS when systemd hands some over",
			Doc:     "Addresses to listen on: `host:port`, `:port` (every address of the machine), `[::1]:port`, a bare port (on 127.0.0.1), `unix:/path` with `?mode=0660&user=www&group=www`, `fd://3`. `uwsgi://host:port`, `uwsgi+unix:/path` and `uwsgi+fd://3` speak the uwsgi protocol. Repeatable. In the file, [[listen]] says the same with more keys.",
			set:     setBind, show: func(target) (string, bool) { return "", false }},
		{Key: "trusted_proxies", Scope: OfServer, Kind: List, Flags: []string{"trusted-proxies", "forwarded-allow-ips"},
			Default: "loopback,unix", Derived: "FORWARDED_ALLOW_IPS when it is set", Reload: true, Hint: "NETWORK,...",
			Doc: "Who may say who the client is by X-Forwarded-For, X-Forwarded-Proto and the other fields of trusted_fields: addresses, networks (`10.0.0.0/8`), `loopback`, `unix`, `*` for everybody, `none`. Peers on unix sockets are trusted with every value but `none`. From others these fields are removed.",
			set: setTrusted, show: showTrusted},
		{Key: "trusted_fields", Scope: OfServer, Kind: List, Flags: []string{"trusted-fields"}, Default: "for,proto", Reload: true, Hint: "FIELD,...",
			Doc: "Which fields of a trusted proxy count. A proxy hands on what it does not write itself, so name those only that yours writes (docs/neighbours.md has a list): `for` (X-Forwarded-For), `proto` (X-Forwarded-Proto), `host`, `port` and `prefix` (X-Forwarded-Host, -Port, -Prefix), `id` (X-Request-ID). With `forwarded` beside them the proxy says `for`, `proto` and `host` by Forwarded (RFC 7239), and X-Forwarded-* of the same meaning is removed. Further ones by their own names: X-Real-IP, X-Client-IP, X-Cluster-Client-IP, True-Client-IP, CF-Connecting-IP, Fastly-Client-IP; X-Forwarded-Ssl, X-Forwarded-Protocol, X-Forwarded-Scheme, X-Scheme, X-Url-Scheme, Front-End-Https. Those that are not named are removed, unless they say the same.",
			set: setTrustedFields, show: showText(func(c *Config) string { return strings.Join(c.Trust.Fields, ",") })},
		{Key: "health_path", Scope: OfServer, Kind: Text, Flags: []string{"health-path"}, Default: "/", Reload: true, Hint: "PATH|off",
			Doc: "Where standpipe answers health checks by itself, before any app is asked: `/livez`, `/readyz` and `/readyz/APP`. With `/-/health` they are `/-/health/livez` and so on, and the app's own `/livez` and `/readyz` count; `off`: nowhere. They are always at the metrics address, under their own names.",
			set: setHealthPath, show: showText(func(c *Config) string { return c.Responses.HealthPath })},
		{Key: "server_header", Scope: OfServer, Kind: Text, Flags: []string{"server-header"}, Default: "standpipe", Reload: true,
			Doc: "The Server field of every answer; empty: no such field.",
			at:  func(t target) any { return &t.cfg.Responses.ServerHeader }},
		{Key: "error_page", Scope: OfServer, Kind: Pairs, Flags: []string{"error-page"}, Reload: true, Hint: "STATUS=FILE",
			Doc: "A file of your own for one status of standpipe's own errors: `--error-page 503=busy.html`. Repeatable. In the file: `error_page = { 503 = \"busy.html\" }`.",
			set: setErrorPage, show: showErrorPage},
		{Key: "spool_dir", Scope: OfServer, Kind: Path, Flags: []string{"spool-dir"}, Hint: "DIR",
			Derived: "$TMPDIR when it is set, else the run-time folder",
			Doc:     "Where request bodies are kept that are larger than buffer_body, and answers beyond response_memory whose clients are slow: in a folder of its own there, which goes when standpipe stops; the next start removes what a kill has left.",
			at:      func(t target) any { return &t.cfg.Folders.Spool }},
		{Key: "runtime_dir", Scope: OfServer, Kind: Path, Flags: []string{"runtime-dir"}, Hint: "DIR",
			Derived: "$RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/standpipe (under a terminal only: it goes with the login session), /run/standpipe for root, $TMPDIR/standpipe-UID: the first that works",
			Doc:     "The folder for what standpipe writes while it runs.",
			at:      func(t target) any { return &t.cfg.Folders.Runtime }},

		atStart(limit("buffer_body", Size, "64KiB", "How much of a request body is kept in memory; a larger one goes to a file first.", func(c *Config) any { return &c.Limits.BufferBody })),
		limit("max_body", Size, "100MiB", "The largest request body; a larger one is answered 413.", func(c *Config) any { return &c.Limits.MaxBody }),
		autoSize("spool_total", "How much all request bodies in files may take together, by what has come of them; beyond it a body is answered 503 with Retry-After. One client (an IPv4 address, or a /64 of IPv6) may have a quarter of it in any case, and more while it leaves as much free for others: half, when it is alone. `auto` is 25 % of the free space of spool_dir at the start, at most 8GiB; where spool_dir is memory (tmpfs), or no folder can be written, 1/8 of the memory limit, at most 256MiB.", func(c *Config) *int64 { return &c.Limits.SpoolTotal }),
		autoSize("answer_total", "How much all answers in files may take together (spool_max bounds one of them), and those to one client, shared out as in spool_total; beyond it the apps wait for their clients. Apart from spool_total, so that slow readers keep no upload out. `auto` as for spool_total.", func(c *Config) *int64 { return &c.Limits.AnswerTotal }),
		limit("body_timeout", Duration, "30s", "How long a client may send nothing of its body; then 408. Time in which min_rate is not reached counts too. 0: no limit, and no min_rate for bodies.", func(c *Config) any { return &c.Limits.BodyTimeout }),
		limit("send_timeout", Duration, "60s", "How long a client may take nothing of an answer that waits for it; then the connection is reset. For every answer: of apps, routes and files, error pages, health checks. Time in which min_rate is not reached counts too. 0: no limit, and no min_rate for answers.", func(c *Config) any { return &c.Limits.SendTimeout }),
		limit("min_rate", Size, "500", "Bytes per second that a client has to send of its body, and to take of its answer, while it is waited for. Each second of waiting uses up one of body_timeout or send_timeout, and these bytes give it back: a client with half of the rate is cut off after twice the timeout, a faster one never. 0: no rate, any byte counts as one that is alive.", func(c *Config) any { return &c.Limits.MinRate }),
		limit("tunnel_timeout", Duration, "5m", "How long an upgraded connection (WebSocket through a route) may be silent in both directions; then it is closed. It counts in max_connections. 0: no limit.", func(c *Config) any { return &c.Limits.TunnelTimeout }),
		atStart(limit("header_timeout", Duration, "10s", "How long a request's head may take to arrive; then the connection is closed.", func(c *Config) any { return &c.Limits.HeaderTimeout })),
		atStart(limit("idle_timeout", Duration, "75s", "How long a connection may wait for its next request. Above the 60 s of many balancers; Google's needs 620s.", func(c *Config) any { return &c.Limits.IdleTimeout }, "keep-alive")),
		atStart(limit("max_head", Size, "64KiB", "Request line and fields together; more is answered 431. 1KiB to 512KiB; it cannot be switched off.", func(c *Config) any { return &c.Limits.MaxHead })),
		atStart(limit("response_memory", Size, "256KiB", "How much of one answer waits in memory when its client is slower than the app; more goes to a file. All answers together have 64MiB, or 1/16 of the memory limit where that is less.", func(c *Config) any { return &c.Limits.ResponseMemory })),
		atStart(limit("spool_max", Size, "256MiB", "How much of one answer waits in its file; beyond it the app waits for the client. An answer with the field `X-Accel-Buffering: no` waits nowhere: the app goes as fast as the client.", func(c *Config) any { return &c.Limits.SpoolMax })),
		atStart(derivedLimit("max_connections", Int, "80 % of the open files limit; in a container no more than its memory limit / 64KiB", "Client connections at a time, upgraded ones included; at the limit new ones wait in the backlog.", func(c *Config) any { return &c.Limits.MaxConns })),

		{Key: "access_log", Section: "log", Scope: OfServer, Kind: Text, Flags: []string{"access-log", "access-logfile"}, Default: "-", Hint: "FILE",
			Doc: "Where the access log goes: `-` is standard output, `off`, or a file.",
			set: logFile(func(c *Config) *string { return &c.Logs.Access }, true), show: showText(func(c *Config) string { return c.Logs.Access })},
		{Key: "access_log_format", Section: "log", Scope: OfServer, Kind: Choice, Choices: []string{"combined", "json"}, Flags: []string{"access-log-format"}, Derived: "json when log_format is json, else combined",
			Doc: "How the access log is written, whatever log_format says: `combined` is the well-known line plus app, rt, wait, id and worker; `json` is one object per line. See logs.md.",
			at:  func(t target) any { return &t.cfg.Logs.AccessFormat }},
		{Key: "error_log", Section: "log", Scope: OfServer, Kind: Text, Flags: []string{"error-log", "error-logfile", "log-file"}, Default: "-", Hint: "FILE",
			Doc: "Where everything else goes: `-` is standard error, or a file.",
			set: logFile(func(c *Config) *string { return &c.Logs.Error }, false), show: showText(func(c *Config) string { return c.Logs.Error })},
		{Key: "log_level", Section: "log", Scope: OfServer, Kind: Choice, Choices: []string{"trace", "debug", "info", "warn", "error"}, Flags: []string{"log-level"}, Default: "info", Reload: true,
			Doc: "What is logged at least. `warning` and `critical` are accepted for `warn` and `error`.",
			set: setLevel, show: showText(func(c *Config) string { return c.Logs.Level })},
		{Key: "log_format", Section: "log", Scope: OfServer, Kind: Choice, Choices: []string{"auto", "text", "json"}, Flags: []string{"log-format"}, Default: "auto",
			Doc: "How both logs are written. `auto`: the error log is text on a terminal and otherwise one JSON object per line, the access log is combined. `json`: both are JSON, with the same keys. `text`: the error log is text, the access log is combined. See logs.md.",
			at:  func(t target) any { return &t.cfg.Logs.Format }},

		stop("stop_timeout", "25s", "when graceful_timeout is set and needs more: shutdown_delay + graceful_timeout + term_grace", "Everything from the first signal to the exit: what an app does at its end (atexit, threads that are no daemons, child processes that it joins) may use what the requests have left of it. Kubernetes and Heroku kill after 30 s.", func(c *Config) any { return &c.Stop.Timeout }),
		stop("graceful_timeout", "", "what is left of stop_timeout after shutdown_delay and term_grace", "How long running requests may take to finish.", func(c *Config) any { return &c.Stop.Graceful }),
		stop("shutdown_delay", "0", "5s when KUBERNETES_SERVICE_HOST is set", "How long to go on serving after the signal, so that balancers can notice.", func(c *Config) any { return &c.Stop.Delay }),
		stop("term_grace", "2s", "", "How long a worker has between SIGTERM and SIGKILL, once its time is over: the stop budget, or drain_timeout where it is replaced. A SIGKILL is a warning in the log, with what the worker was doing.", func(c *Config) any { return &c.Stop.TermGrace }),
	}, slices.Concat(serverStaticSettings(), userSettings())...)
}

func limit(key string, kind Kind, def, doc string, at func(*Config) any, more ...string) *Setting {
	return &Setting{Key: key, Section: "limits", Scope: OfServer, Kind: kind, Default: def, Doc: doc, Reload: true,
		Flags: append([]string{flagName(key)}, more...), at: func(t target) any { return at(t.cfg) }}
}

// atStart marks a setting that a reload does not change.
func atStart(s *Setting) *Setting {
	s.Reload = false
	return s
}

// autoSize is a size that is worked out at the start unless somebody sets it.
func autoSize(key, doc string, at func(*Config) *int64) *Setting {
	s := limit(key, Size, "auto", doc, nil)
	s.Reload = false
	s.at = nil
	s.set = func(t target, in input) error {
		if in.last() == "auto" {
			*at(t.cfg) = SpoolAuto
			return nil
		}
		return store(at(t.cfg), in.last(), ParseSize)
	}
	s.show = func(t target) (string, bool) {
		if n := *at(t.cfg); n != SpoolAuto {
			return FormatSize(n), true
		}
		return "auto", true
	}
	return s
}

func derivedLimit(key string, kind Kind, derived, doc string, at func(*Config) any) *Setting {
	s := limit(key, kind, "", doc, at)
	s.Derived = derived
	return s
}

func stop(key, def, derived, doc string, at func(*Config) any) *Setting {
	return &Setting{Key: key, Section: "stop", Scope: OfServer, Kind: Duration, Default: def, Derived: derived, Doc: doc, Reload: true,
		Flags: []string{flagName(key)}, at: func(t target) any { return at(t.cfg) }}
}

func flagName(key string) string { return strings.ReplaceAll(key, "_", "-") }

// apply writes in to the setting's field. Errors are the end of a sentence that begins with the value.
func (s *Setting) apply(t target, in input) error {
	in = s.said(in)
	if s.set != nil {
		return s.set(t, in)
	}
	v := in.last()
	switch p := s.at(t).(type) {
	case *int:
		return store(p, v, s.parseInt)
	case *bool:
		return store(p, v, parseSwitch)
	case *int64:
		return store(p, v, ParseSize)
	case *time.Duration:
		return store(p, v, ParseDuration)
	case *[]string:
		*p = in.list()
	case *string:
		if s.Kind == Choice && !slices.Contains(s.Choices, v) {
			return fmt.Errorf("%q is not one of %s", v, strings.Join(s.Choices, ", "))
		}
		if strings.ContainsRune(v, 0) {
			return fmt.Errorf("%q holds a NUL", v)
		}
		if s.Kind == Path && v != "" && !filepath.IsAbs(v) {
			v = filepath.Join(in.base, v)
		}
		*p = v
	}
	return nil
}

// said is in with the other words for on and off in the setting's own, where it has these.
func (s *Setting) said(in input) input {
	if len(in.values) == 0 || s.Kind != Choice && s.Kind != Text && s.Kind != Path {
		return in
	}
	v := in.last()
	on, err := parseSwitch(v)
	switch {
	case err != nil || slices.Contains(s.Choices, v):
		return in
	case on && slices.Contains(s.Choices, "on"):
		v = "on"
	case !on && (s.Kind == Choice || v != "0") && s.knowsOff(): // 0 may be a name
		v = "off"
	default:
		return in
	}
	in.values = append(slices.Clone(in.values[:len(in.values)-1]), v)
	return in
}

// knowsOff says whether the word off means something to a setting that is no switch: its documentation names it.
func (s *Setting) knowsOff() bool {
	return slices.Contains(s.Choices, "off") || strings.Contains(s.Doc, "`off`")
}

func (s *Setting) parseInt(v string) (int, error) {
	n, err := parseInt(v)
	if err == errNegative && s.Least > 0 {
		err = fmt.Errorf("is negative; it is %d or more", s.Least)
	}
	return n, err
}

// store leaves the field alone when v cannot be read: the default stays, and no second problem follows from a zero.
func store[T any](p *T, v string, parse func(string) (T, error)) error {
	n, err := parse(v)
	if err != nil {
		return fmt.Errorf("%q %w", v, err)
	}
	*p = n
	return nil
}

// value is the effective value as one would write it; not ok: there is nothing to show.
func (s *Setting) value(t target) (v string, ok bool) {
	if s.show != nil {
		return s.show(t)
	}
	if s.at == nil {
		return "", false
	}
	switch p := s.at(t).(type) {
	case *int:
		return strconv.Itoa(*p), true
	case *bool:
		return map[bool]string{true: "on", false: "off"}[*p], true
	case *int64:
		return FormatSize(*p), true
	case *time.Duration:
		return FormatDuration(*p), true
	case *[]string:
		return strings.Join(*p, ","), true
	case *string:
		return *p, true
	}
	return "", false
}
