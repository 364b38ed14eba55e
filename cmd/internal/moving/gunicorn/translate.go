package gunicorn

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/compat"
	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// Input is what an import reads.
type Input struct {
	File    string // as the user wrote it
	Dir     string // the current folder, absolute
	Out     string // the folder of standpipe.toml, absolute
	Python  string // the interpreter
	Environ []string
}

// Import reads the file.
func Import(ctx context.Context, in Input) (*draft.Draft, error) {
	file := in.File
	if !filepath.IsAbs(file) {
		file = filepath.Join(in.Dir, file)
	}
	settings, err := run(ctx, in.Python, file, in.File, in.Dir, in.Environ)
	if err != nil {
		return nil, err
	}
	t := &translation{d: &draft.Draft{}, file: in.File, paths: draft.Paths{Base: in.Dir, Out: in.Out}, given: map[string]setting{}}
	t.app = t.d.Add("[[app]]")
	for _, s := range settings {
		t.given[s.Name] = s
	}
	// gunicorn changes into chdir before it opens any file.
	if dir := t.text("chdir"); dir != "" {
		t.app.Set(t.at("chdir"), "dir", t.paths.File(dir))
		t.paths.Base = t.paths.AppDir(dir)
	}
	for _, s := range settings {
		t.setting(s)
	}
	t.worker()
	t.listen()
	if !t.app.Has("module") {
		t.app.Remark("The app of gunicorn's command line; without the key the folder is searched for it.")
		t.app.Suggest(draft.Place{}, "module", "shop.wsgi:application")
	}
	return t.d, nil
}

type translation struct {
	d     *draft.Draft
	app   *draft.Table
	file  string
	paths draft.Paths
	given map[string]setting
}

func (t *translation) at(name string) draft.Place {
	return draft.Place{File: t.file, Line: t.given[name].Line}
}

// text is a setting as text; empty: it is not set.
func (t *translation) text(name string) string { return text(t.given[name].Value) }

func (t *translation) on(name string) bool {
	on, _ := t.given[name].Value.(bool)
	return on
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strings.TrimSuffix(fmt.Sprintf("%.3f", v), ".000")
	case bool:
		return fmt.Sprint(v)
	case []any:
		out := make([]string, len(v))
		for i, e := range v {
			out[i] = text(e)
		}
		return strings.Join(out, ",")
	}
	return ""
}

// list are the parts of a setting that is a list, or a text with commas.
func list(v any) []string {
	if s, ok := v.(string); ok {
		return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
	}
	var out []string
	for _, e := range asList(v) {
		if s := text(e); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func asList(v any) []any {
	l, _ := v.([]any)
	return l
}

// target is the key that has a setting's value unchanged.
type target struct{ table, key string }

var same = map[string]target{
	"wsgi_app": {"[[app]]", "module"}, "threads": {"[[app]]", "threads"}, "workers": {"[[app]]", "workers"}, "timeout": {"[[app]]", "timeout"},
	"max_requests": {"[[app]]", "max_requests"}, "max_requests_jitter": {"[[app]]", "max_requests_jitter"}, "graceful_timeout": {"[stop]", "graceful_timeout"},
	"keepalive": {"[limits]", "idle_timeout"}, "limit_request_line": {"[limits]", "max_target"}, "limit_request_fields": {"[limits]", "max_fields"},
	"loglevel": {"[log]", "log_level"}, "user": {"", "user"}, "group": {"", "group"}, "control_socket_mode": {"", "control_mode"},
}

// paths are settings that name a file, relative to the folder that gunicorn runs in.
var files = map[string]target{
	"accesslog": {"[log]", "access_log"}, "errorlog": {"[log]", "error_log"}, "certfile": {"[tls]", "tls_cert"}, "keyfile": {"[tls]", "tls_key"},
	"ca_certs": {"[tls]", "client_ca"}, "tmp_upload_dir": {"", "spool_dir"}, "control_socket": {"", "control"},
}

// elsewhere are settings that worker, listen or Import read.
var elsewhere = map[string]bool{"chdir": true, "bind": true, "backlog": true, "worker_class": true, "worker_connections": true, "proxy_protocol": true}

// setting translates one setting.
func (t *translation) setting(s setting) {
	at := draft.Place{File: t.file, Line: s.Line}
	value := text(s.Value)
	to, plain := same[s.Name]
	place, isFile := files[s.Name]
	switch {
	case elsewhere[s.Name]:
	case s.Value == nil || value == "" && isPlain(s.Value):
		// None, or an empty list: gunicorn's own default.
	case plain:
		t.table(to.table).Set(at, to.key, scalar(s.Value))
	case isFile && value == "-":
		t.table(place.table).Set(at, place.key, value)
	case isFile:
		t.table(place.table).Set(at, place.key, t.paths.File(value))
	default:
		t.special(at, s)
	}
}

// isPlain reports whether text can show the value.
func isPlain(v any) bool {
	_, other := v.(map[string]any)
	return !other
}

func (t *translation) table(heading string) *draft.Table {
	if heading == "[[app]]" {
		return t.app
	}
	return t.d.Table(heading)
}

// scalar keeps whole numbers as numbers.
func scalar(v any) any {
	if f, ok := v.(float64); ok && f == float64(int(f)) {
		return int(f)
	}
	return text(v)
}

var appName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

// special translates the settings whose values differ.
func (t *translation) special(at draft.Place, s setting) {
	switch s.Name {
	case "raw_env":
		var pairs []draft.Pair
		for _, entry := range list(s.Value) {
			name, value, _ := strings.Cut(entry, "=")
			pairs = append(pairs, draft.Pair{Name: name, Value: value})
		}
		t.app.Set(at, "env", pairs)
	case "pythonpath":
		var out []string
		for _, dir := range list(s.Value) {
			out = append(out, t.paths.OfApp(dir, t.paths.Base))
		}
		t.app.Set(at, "pythonpath", out)
	case "preload_app":
		if t.on(s.Name) {
			t.app.Set(at, "preload", true)
		}
	case "reload":
		if t.on(s.Name) {
			t.app.Set(at, "reload", true)
		}
	case "umask":
		if n, ok := s.Value.(float64); ok && n != 0 {
			t.app.Set(at, "umask", fmt.Sprintf("%04o", int(n)))
		}
	case "forwarded_allow_ips", "proxy_allow_ips", "uwsgi_allow_ips":
		t.d.Table("").Set(at, "trusted_proxies", list(s.Value))
	case "proc_name":
		if name := text(s.Value); appName.MatchString(name) {
			t.app.Set(at, "name", name)
		} else {
			t.d.Missing(at, s.Name+" = "+name, "the name of an app has letters, digits, - and _: `name` in [[app]]")
		}
	case "cert_reqs":
		switch text(s.Value) {
		case "1":
			t.d.Table("[tls]").Set(at, "client_auth", "request")
		case "2":
			t.d.Table("[tls]").Set(at, "client_auth", "require")
		}
	default:
		t.none(at, s)
	}
}

// none names a setting that has no equivalent. A switch that is off needs none.
func (t *translation) none(at draft.Place, s setting) {
	if on, is := s.Value.(bool); is && !on && s.Name != "sendfile" {
		return
	}
	what := s.Name
	if f, ok := s.Value.(map[string]any); ok && f["function"] != nil && f["function"] != s.Name {
		what = fmt.Sprintf("%s = %v", s.Name, f["function"])
	} else if v := text(s.Value); v != "" {
		what += " = " + short(v)
	}
	state, message, _ := compat.Gunicorn(s.Name)
	if state == compat.NotNeeded || state == compat.NotYet {
		message = string(state) + ": " + message
	}
	t.d.Missing(at, what, "%s", message)
}

func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "..."
	}
	return s
}

// worker translates the kind of the workers.
func (t *translation) worker() {
	class := t.text("worker_class")
	if m, ok := t.given["worker_class"].Value.(map[string]any); ok {
		class, _ = m["class"].(string)
	}
	connections := t.text("worker_connections")
	greenlets, bad := compat.Greenlets(class, connections, class != "", connections != "")
	for _, err := range bad {
		t.d.Missing(t.at("worker_class"), "worker_class = "+class, "%s", strings.TrimPrefix(err.Error(), "-k "+class+": "))
	}
	switch {
	case greenlets != "":
		t.app.Set(t.at("worker_class"), "gevent", greenlets)
	case connections != "":
		t.d.Missing(t.at("worker_connections"), "worker_connections = "+connections, "not needed: `threads` says how many requests a worker runs at a time, and `max_connections` in [limits] bounds the clients of all workers")
	case strings.HasSuffix(class, "gthread") && t.given["threads"].Name == "":
		t.d.Missing(t.at("worker_class"), "worker_class = "+class, "not needed: `threads` decides")
	}
}

// listen translates the addresses.
func (t *translation) listen() {
	addresses := list(t.given["bind"].Value)
	if len(addresses) == 0 && (t.given["backlog"].Name != "" || t.on("proxy_protocol") || t.text("proxy_protocol") != "") {
		addresses = []string{"127.0.0.1:8000"}
	}
	for _, address := range addresses {
		address = strings.TrimSpace(address)
		if path, ok := strings.CutPrefix(address, "unix:"); ok {
			address = "unix:" + t.paths.File(strings.TrimPrefix(path, "//"))
		}
		l := t.d.Add("[[listen]]")
		l.Set(t.at("bind"), "address", address)
		if n := t.given["backlog"].Value; n != nil {
			l.Set(t.at("backlog"), "backlog", scalar(n))
		}
		switch v := t.text("proxy_protocol"); v {
		case "", "false", "off":
		default:
			l.Set(t.at("proxy_protocol"), "proxy_protocol", "on")
		}
	}
}
