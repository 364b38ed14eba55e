package uwsgi

import (
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/compat"
	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// Input is what an import reads.
type Input struct {
	File    string // as the user wrote it; ":section" may follow
	Dir     string // the current folder, absolute
	Out     string // the folder of standpipe.toml, absolute
	Environ []string
}

// Import reads the file.
func Import(in Input) (*draft.Draft, error) {
	r := &reader{dir: in.Dir, env: map[string]string{}, used: map[string]bool{}, unset: map[string]bool{}}
	for _, kv := range in.Environ {
		name, value, _ := strings.Cut(kv, "=")
		r.env[name] = value
	}
	if err := r.file(in.File, 0); err != nil {
		return nil, err
	}
	unset := r.expand()
	t := &translation{d: &draft.Draft{}, reader: r, start: draft.Paths{Base: in.Dir, Out: in.Out}}
	t.paths = t.start
	t.app = t.d.Add("[[app]]")
	if len(r.unset) > 0 {
		t.d.Title = []string{"These variables are not set; the file reads them when it is used: " + strings.Join(slices.Sorted(maps.Keys(r.unset)), ", ")}
	}
	if dir := t.last("chdir"); dir.value != "" {
		t.app.Set(dir.at, "dir", t.start.File(dir.value))
		t.paths.Base = t.start.AppDir(dir.value)
	}
	for _, o := range unset {
		t.d.Missing(o.at, o.key+" = "+o.value, "a variable or option in it is not set")
	}
	for _, o := range r.options {
		t.option(o)
	}
	t.workers()
	t.listen()
	t.static()
	t.apps()
	t.noLimit()
	return t.d, nil
}

type translation struct {
	d      *draft.Draft
	app    *draft.Table
	reader *reader
	start  draft.Paths // before chdir: sockets and logs
	paths  draft.Paths // after it
	env    []draft.Pair
}

// last is the last option of these names; the zero option: there is none.
func (t *translation) last(names ...string) (out option) {
	for _, o := range t.reader.options {
		for _, name := range names {
			if o.key == name {
				out = o
			}
		}
	}
	return out
}

func (t *translation) all(names ...string) (out []option) {
	for _, o := range t.reader.options {
		for _, name := range names {
			if o.key == name {
				out = append(out, o)
			}
		}
	}
	return out
}

// off reports whether a switch's value says no.
func off(value string) bool {
	switch strings.ToLower(value) {
	case "false", "off", "no", "0":
		return true
	}
	return false
}

// plain are options whose value stays, by table and key. A unit follows the number.
var plain = map[string]struct{ table, key, unit string }{
	"harakiri": {"[[app]]", "timeout", ""}, "threads": {"[[app]]", "threads", ""}, "max-requests": {"[[app]]", "max_requests", ""}, "max-requests-delta": {"[[app]]", "max_requests_jitter", ""},
	"max-worker-lifetime": {"[[app]]", "max_lifetime", ""}, "reload-on-rss": {"[[app]]", "max_rss", "MiB"}, "evil-reload-on-rss": {"[[app]]", "hard_rss", "MiB"},
	"limit-as": {"[[app]]", "limit_as", "MiB"}, "limit-nproc": {"[[app]]", "limit_nproc", ""}, "max-fd": {"[[app]]", "limit_nofile", ""}, "prio": {"[[app]]", "nice", ""},
	"gevent": {"[[app]]", "gevent", ""}, "idle": {"[[app]]", "idle_stop", ""}, "umask": {"[[app]]", "umask", ""},
	"reload-mercy": {"[stop]", "graceful_timeout", ""}, "worker-reload-mercy": {"[stop]", "graceful_timeout", ""},
	"limit-post": {"[limits]", "max_body", ""}, "http-timeout": {"[limits]", "body_timeout", ""}, "socket-timeout": {"[limits]", "body_timeout", ""}, "http-keepalive": {"[limits]", "idle_timeout", ""},
	"uid": {"", "user", ""}, "gid": {"", "group", ""},
}

// elsewhere are options that Import, workers, listen, static and apps read.
var elsewhere = strings.Fields("chdir processes workers cheaper module wsgi wsgi-file file callable mount " +
	"http http-socket http11-socket socket uwsgi-socket https https2 https-socket protocol socket-protocol listen chmod-socket chmod chown-socket http-enable-proxy-protocol enable-proxy-protocol http-to-https " +
	"static-map static-map2 check-static static-index static-safe")

var read = func() map[string]bool {
	out := map[string]bool{}
	for _, name := range elsewhere {
		out[name] = true
	}
	return out
}()

// option translates one option.
func (t *translation) option(o option) {
	to, isPlain := plain[o.key]
	switch {
	case o.hidden || read[o.key]:
	case isPlain && to.unit != "" && number(o.value) > 0:
		t.table(to.table).Set(o.at, to.key, strconv.Itoa(number(o.value))+to.unit)
	case isPlain && number(o.value) > 0 && to.table != "" && to.key != "umask": // what follows a number is not read
		t.table(to.table).Set(o.at, to.key, number(o.value))
	case isPlain && o.value != "" && !(off(o.value) && to.table != ""):
		t.table(to.table).Set(o.at, to.key, o.value)
	case isPlain:
	case t.text(o), t.log(o):
	default:
		t.none(o)
	}
}

func (t *translation) table(heading string) *draft.Table {
	if heading == "[[app]]" {
		return t.app
	}
	return t.d.Table(heading)
}

// text translates options of the app whose values differ.
func (t *translation) text(o option) bool {
	switch o.key {
	case "env":
		name, value, _ := strings.Cut(o.value, "=")
		t.env = append(t.env, draft.Pair{Name: name, Value: value})
		t.app.Set(o.at, "env", lastOfEach(t.env))
	case "home", "virtualenv", "venv", "pyhome":
		t.app.Set(o.at, "venv", t.paths.OfApp(o.value, t.paths.Base))
	case "pythonpath", "python-path", "pp":
		t.app.Append(o.at, "pythonpath", t.paths.OfApp(o.value, t.paths.Base))
	case "add-gid":
		t.app.Append(o.at, "groups", o.value)
	case "touch-reload", "touch-workers-reload", "touch-chain-reload":
		t.app.Append(o.at, "touch_reload", t.paths.OfApp(o.value, t.paths.Base))
	case "py-autoreload", "py-auto-reload", "python-autoreload", "python-auto-reload":
		if !off(o.value) {
			t.app.Set(o.at, "reload", true)
		}
	case "buffer-size", "http-buffer-size":
		if number(o.value) > 64<<10 {
			t.d.Table("[limits]").Set(o.at, "max_head", number(o.value))
		} else {
			t.d.Missing(o.at, o.key+" = "+o.value, "not needed: `max_head` in [limits] is 64KiB")
		}
	case "post-buffering", "http-post-buffering":
		if n := number(o.value); n > 4096 {
			t.d.Table("[limits]").Set(o.at, "buffer_body", n)
		} else {
			t.d.Missing(o.at, o.key+" = "+o.value, "not needed: bodies are complete before a worker gets the request; `buffer_body` in [limits] says how much stays in memory")
		}
	default:
		return false
	}
	return true
}

// lastOfEach keeps the last of the variables with one name.
func lastOfEach(list []draft.Pair) (out []draft.Pair) {
	for i, p := range list {
		later := false
		for _, other := range list[i+1:] {
			later = later || other.Name == p.Name
		}
		if !later {
			out = append(out, p)
		}
	}
	return out
}

// log translates where logs go. uWSGI writes requests and messages to one place.
func (t *translation) log(o option) bool {
	table := t.d.Table("[log]")
	file := func() string { return t.start.File(o.value) }
	switch o.key {
	case "logto", "logto2", "daemonize", "daemonize2":
		if _, _, isAddress := strings.Cut(o.value, ":"); isAddress && !strings.Contains(o.value, "/") {
			return false // UDP
		}
		table.Set(o.at, "error_log", file())
		if t.last("disable-logging").key == "" && t.last("req-logger", "logger-req").key == "" {
			table.Set(o.at, "access_log", file())
		}
		if strings.HasPrefix(o.key, "daemonize") {
			t.none(o)
		}
	case "disable-logging":
		if !off(o.value) {
			table.Set(o.at, "access_log", "off")
		}
	case "req-logger", "logger-req", "logger":
		key := "access_log"
		if o.key == "logger" {
			key = "error_log"
		}
		scheme, path, ok := strings.Cut(o.value, ":")
		switch {
		case ok && scheme == "file":
			table.Set(o.at, key, t.start.File(path))
		case scheme == "stdio":
			table.Set(o.at, key, "-")
		default:
			t.d.Missing(o.at, o.key+" = "+o.value, "logs go to standard output and error, or to a file; systemd, Docker or `| logger` forward them")
		}
	default:
		return false
	}
	return true
}

// none names an option that has no equivalent. A switch that is off needs none.
func (t *translation) none(o option) {
	state, message, known := compat.Uwsgi(o.key)
	what := o.key
	if o.value != "" {
		what += " = " + short(o.value)
	}
	switch {
	case !known && t.reader.used[o.key]: // a placeholder
		return
	case !known:
		message = "uWSGI's core and its usual plugins have no such option"
	case state == compat.NotNeeded || state == compat.NotYet:
		message = string(state) + ": " + message
	}
	if known && !compat.UwsgiTakesValue(o.key) && off(o.value) {
		return
	}
	t.d.Missing(o.at, what, "%s", message)
}

func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "..."
	}
	return s
}

// workers translates the number of processes.
func (t *translation) workers() {
	processes, cheaper := t.last("processes", "workers"), t.last("cheaper")
	n, least := number(processes.value), number(cheaper.value)
	if n < 1 && processes.key != "" {
		return
	}
	switch {
	case processes.key == "":
		t.app.Remark("uWSGI starts one process when the file says nothing.")
		t.app.Set(draft.Place{}, "workers", 1)
	case least > 0 && least < n:
		t.app.Set(processes.at, "workers", cheaper.value+".."+processes.value)
	default:
		t.app.Set(processes.at, "workers", n)
	}
}

// apps translates what is served, and where.
func (t *translation) apps() {
	callable := t.last("callable").value
	spec := func(name string) string {
		isFile := strings.HasSuffix(name, ".py") || strings.HasSuffix(name, ".wsgi") || strings.Contains(name, "/")
		if isFile {
			name = t.paths.OfApp(name, t.paths.Base)
		}
		if callable != "" && !strings.Contains(filepath.Base(name), ":") {
			name += ":" + callable
		}
		return name
	}
	main := t.last("module", "wsgi", "wsgi-file", "file")
	if main.value != "" {
		t.app.Set(main.at, "module", spec(main.value))
	}
	for _, o := range t.all("mount") {
		place, app, ok := strings.Cut(o.value, "=")
		if !ok {
			t.d.Missing(o.at, "mount = "+o.value, "there is no = in it")
			continue
		}
		host, path, _ := strings.Cut(place, "/")
		path = "/" + strings.Trim(path, "/")
		if strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789.-*") != "" {
			t.d.Missing(o.at, "mount = "+o.value, "%s is not a host", host)
			continue
		}
		if main.value == spec(app) || app == main.value && path == "/" {
			continue
		}
		one := t.app
		if t.app.Has("module") {
			one = t.d.Add("[[app]]")
			one.Copy(t.app, "module", "mount", "hosts", "name")
		}
		one.Set(o.at, "module", spec(app))
		if path != "/" {
			one.Set(o.at, "mount", path)
		}
		if host != "" {
			one.Set(o.at, "hosts", []string{host})
		}
	}
	list := t.d.All("[[app]]")
	for i, one := range list {
		if len(list) > 1 {
			one.Set(draft.Place{}, "name", nameOf(one.Text("mount"), i))
		}
	}
	if len(list) == 1 && !t.app.Has("module") {
		t.app.Remark("The file names no app; without the key the folder is searched for it.")
		t.app.Suggest(draft.Place{}, "module", "shop.wsgi:application")
	}
}

// nameOf is a name for one of several apps.
func nameOf(mount string, i int) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return -1
	}, mount)
	if name == "" {
		return "app" + string(rune('1'+i%9))
	}
	return name
}

// noLimit says what uWSGI leaves open and standpipe bounds.
func (t *translation) noLimit() {
	if !t.app.Has("timeout") {
		t.app.Remark("uWSGI without harakiri ends no request; standpipe's default is 30s for the first bytes of the answer, and 0 is no limit.")
		t.app.Suggest(draft.Place{}, "timeout", 0)
	}
}
