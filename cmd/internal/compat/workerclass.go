package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// state says what became of a gunicorn setting.
type state uint8

const (
	ours      state = iota // there is a flag or key of ours for it; say names it when the name is another
	notNeeded              // the reason is in say
	notYet                 // say tells what to do meanwhile
)

func (s state) String() string { return [...]string{"ours", "not needed", "not yet"}[s] }

// gunicornSetting is one of gunicorn's settings. docs/migrating.md has a table made of them, and a flag of gunicorn's
// that we do not have ends the program with its sentence.
type gunicornSetting struct {
	name  string // in gunicorn's configuration file
	flags string // gunicorn's; empty: configuration file only
	state state
	say   string
}

// gunicornSays is the sentence for a gunicorn flag that we do not have; empty: it is none, or it is ours.
func gunicornSays(flag string) string {
	for _, g := range gunicornSettings() {
		for _, f := range strings.Fields(g.flags) {
			if strings.TrimLeft(f, "-") != flag {
				continue
			}
			switch g.state {
			case notNeeded:
				return "not needed: " + g.say
			case notYet:
				return "not yet: " + g.say
			}
			return g.say
		}
	}
	return ""
}

// gunicornSwitches are gunicorn's flags that take no value and that we do not have.
var gunicornSwitches = []string{
	"no-control-socket", "spew", "check-config", "print-config", "disable-redirect-access-to-syslog", "capture-output",
	"log-syslog", "R", "enable-stdio-inheritance", "enable-backlog-metric", "suppress-ragged-eofs", "do-handshake-on-connect", "no-sendfile",
	"reuse-port", "D", "daemon", "initgroups", "permit-obsolete-folding", "strip-header-spaces",
	"permit-unconventional-http-method", "permit-unconventional-http-version", "casefold-http-method",
}

// gunicornTakesValue says whether a value belongs to a flag of gunicorn's that we do not have; not known: it has none of
// that name.
func gunicornTakesValue(flag string) (value, known bool) {
	if gunicornSays(flag) == "" {
		return false, false
	}
	return !slices.Contains(gunicornSwitches, flag), true
}

// gunicornWorkers is what -k and --worker-connections come to: the value of --gevent, or nothing; and what is wrong with
// them.
func gunicornWorkers(class, connections string, classSet, connectionsSet bool) (greenlets string, bad []error) {
	if classSet {
		if err := workerClass(class); err != nil {
			return "", []error{err}
		}
	}
	n, err := strconv.Atoi(connections)
	switch {
	case connectionsSet && !isGevent(class):
		bad = append(bad, fmt.Errorf("--worker-connections says how many greenlets a worker runs; it goes with -k gevent. --max-connections bounds the clients of all workers together"))
	case connectionsSet && (err != nil || n < 1):
		bad = append(bad, fmt.Errorf("--worker-connections: %q is not a whole number of 1 or more", connections))
	case connectionsSet:
		greenlets = connections
	case isGevent(class):
		greenlets = "1000" // gunicorn's default of worker_connections
	}
	return greenlets, bad
}

func isGevent(class string) bool {
	return class == "gevent" || class == "gunicorn.workers.ggevent.GeventWorker"
}

// workerClass checks the value of -k.
func workerClass(v string) error {
	short := v
	for _, p := range []string{"gunicorn.workers.sync.SyncWorker", "gunicorn.workers.gthread.ThreadWorker"} {
		if v == p {
			return nil
		}
	}
	if i := strings.LastIndexByte(v, '.'); i >= 0 {
		short = v[i+1:]
	}
	low := strings.ToLower(short)
	switch {
	case v == "sync" || v == "gthread" || isGevent(v):
		return nil
	case strings.HasPrefix(low, "gevent"), strings.HasPrefix(low, "eventlet"), strings.HasPrefix(low, "ggevent"):
		return fmt.Errorf("-k %s: not yet; --threads 16 lets one worker wait for many things, and so does -k gevent", v)
	case strings.Contains(low, "uvicorn"), strings.Contains(low, "asgi"):
		return fmt.Errorf("-k %s: not yet; standpipe serves WSGI applications, not ASGI ones", v)
	case low == "tornado" || low == "tornadoworker":
		return fmt.Errorf("-k %s: not yet; standpipe serves WSGI applications", v)
	default:
		return fmt.Errorf("-k %s: there is no such kind of worker; sync, gthread and gevent are accepted", v)
	}
}

const (
	hook    = "gunicorn's hooks run inside its Python server; standpipe's server is not Python. "
	dirty   = "gunicorn's dirty arbiters run tasks beside the requests; use a task queue such as Celery or RQ."
	asgi    = "standpipe serves WSGI applications, not ASGI ones."
	tls     = "end TLS in a proxy in front, such as nginx or the platform's balancer."
	http2   = "a proxy in front may speak HTTP/2; standpipe speaks HTTP/1.1."
	strictH = "what RFC 9112 forbids is refused, because it lets requests be smuggled."
	pipeLog = "logs go to standard output and error; systemd, Docker or `| logger` carry them on."
	gauges  = "Prometheus reads them: --metrics ADDRESS."
)

// gunicornSettings are all settings of gunicorn 27, in the order of its documentation.
func gunicornSettings() []gunicornSetting {
	return []gunicornSetting{
		{"config", "-c --config", ours, "`-c standpipe.toml`; TOML, not Python"},
		{"wsgi_app", "", ours, "APP, or `module` in [[app]]"},

		{"control_socket", "--control-socket", ours, "`--control`; `standpipe status` and the others find it by themselves"},
		{"control_socket_mode", "--control-socket-mode", ours, "`--control-mode`; and `--control-group`"},
		{"control_socket_disable", "--no-control-socket", notNeeded, "that is `--control off`."},

		{"reload", "--reload", ours, "watches what the workers have imported, templates and env_file"},
		{"reload_engine", "--reload-engine", notNeeded, "the system tells of changes (inotify, kqueue)."},
		{"reload_extra_files", "--reload-extra-file", notNeeded, "--touch-reload names files that reload the app when they change."},
		{"spew", "--spew", notNeeded, "python -X importtime, coverage and py-spy show what runs."},
		{"check_config", "--check-config", notNeeded, "that is `standpipe check`, and `standpipe check --load` imports the app."},
		{"print_config", "--print-config", notNeeded, "that is `standpipe config`."},

		{"on_dirty_starting", "", notNeeded, dirty},
		{"dirty_post_fork", "", notNeeded, dirty},
		{"dirty_worker_init", "", notNeeded, dirty},
		{"dirty_worker_exit", "", notNeeded, dirty},
		{"dirty_apps", "--dirty-app", notNeeded, dirty},
		{"dirty_workers", "--dirty-workers", notNeeded, dirty},
		{"dirty_timeout", "--dirty-timeout", notNeeded, dirty},
		{"dirty_threads", "--dirty-threads", notNeeded, dirty},
		{"dirty_graceful_timeout", "--dirty-graceful-timeout", notNeeded, dirty},

		{"http_protocols", "--http-protocols", notYet, http2},
		{"http2_cleartext", "--http2-cleartext", notYet, http2},
		{"http2_max_concurrent_streams", "--http2-max-concurrent-streams", notYet, http2},
		{"http2_initial_window_size", "--http2-initial-window-size", notYet, http2},
		{"http2_max_frame_size", "--http2-max-frame-size", notYet, http2},
		{"http2_max_header_list_size", "--http2-max-header-list-size", notYet, http2},

		{"accesslog", "--access-logfile", ours, "`--access-log`; on by default, `off` switches it off"},
		{"disable_redirect_access_to_syslog", "--disable-redirect-access-to-syslog", notNeeded, pipeLog},
		{"access_log_format", "--access-logformat", notNeeded, "--access-log-format takes combined or json; json has every field by name."},
		{"errorlog", "--error-logfile --log-file", ours, "`--error-log`"},
		{"loglevel", "--log-level", ours, ""},
		{"capture_output", "--capture-output", notNeeded, "what the app prints is always in the error log, with its worker's name. Leave the flag out."},
		{"logger_class", "--logger-class", notNeeded, "the server is not Python; --log-format json is for programs."},
		{"logconfig", "--log-config", notNeeded, "the server is not Python; --log-level and --log-format are there, and the app's own logging is the app's."},
		{"logconfig_dict", "", notNeeded, "see logconfig."},
		{"logconfig_json", "--log-config-json", notNeeded, "the server is not Python; --log-level and --log-format are there."},
		{"syslog_addr", "--log-syslog-to", notNeeded, pipeLog},
		{"syslog", "--log-syslog", notNeeded, pipeLog},
		{"syslog_prefix", "--log-syslog-prefix", notNeeded, pipeLog},
		{"syslog_facility", "--log-syslog-facility", notNeeded, pipeLog},
		{"enable_stdio_inheritance", "-R --enable-stdio-inheritance", notNeeded, "what the app and its children print is always in the error log. Leave the flag out."},
		{"statsd_host", "--statsd-host", notYet, gauges},
		{"dogstatsd_tags", "--dogstatsd-tags", notYet, gauges},
		{"statsd_prefix", "--statsd-prefix", notYet, gauges},
		{"enable_backlog_metric", "--enable-backlog-metric", notYet, gauges},

		{"proc_name", "-n --name", notNeeded, "the app's name is in logs and messages: `--app name=shop,module=...`, or `name` in [[app]]."},
		{"default_proc_name", "", notNeeded, "see proc_name."},

		{"keyfile", "--keyfile", notYet, tls},
		{"certfile", "--certfile", notYet, tls},
		{"ssl_version", "--ssl-version", notYet, tls},
		{"cert_reqs", "--cert-reqs", notYet, tls},
		{"ca_certs", "--ca-certs", notYet, tls},
		{"suppress_ragged_eofs", "--suppress-ragged-eofs", notYet, tls},
		{"do_handshake_on_connect", "--do-handshake-on-connect", notYet, tls},
		{"ciphers", "--ciphers", notYet, tls},

		{"limit_request_line", "--limit-request-line", notNeeded, "--max-head bounds the request line and the fields together."},
		{"limit_request_fields", "--limit-request-fields", notNeeded, "--max-head bounds the request line and the fields together."},
		{"limit_request_field_size", "--limit-request-field_size", notNeeded, "--max-head bounds the request line and the fields together."},

		{"on_starting", "", notNeeded, hook + "Do it in a script before the start."},
		{"on_reload", "", notNeeded, hook},
		{"when_ready", "", notNeeded, hook + "Ask /readyz, or wait for the app_ready record."},
		{"pre_fork", "", notNeeded, hook + "Without --preload workers are not forked; with it, code at the module's top runs once before all forks."},
		{"post_fork", "", notNeeded, hook + "`standpipe_shim.on_fork(fn)` runs fn once in each worker, with and without --preload."},
		{"post_worker_init", "", notNeeded, hook + "`standpipe_shim.on_fork(fn)` runs fn once in each worker, before its first request."},
		{"worker_int", "", notNeeded, hook},
		{"worker_abort", "", notNeeded, hook + "request_timeout records hold the stack of a worker that hangs."},
		{"pre_exec", "", notNeeded, hook},
		{"pre_request", "", notNeeded, hook + "Write a WSGI middleware."},
		{"post_request", "", notNeeded, hook + "Write a WSGI middleware."},
		{"child_exit", "", notNeeded, hook + "worker_exit records say why a worker ended."},
		{"worker_exit", "", notNeeded, hook + "Use Python's atexit."},
		{"nworkers_changed", "", notNeeded, hook},
		{"on_exit", "", notNeeded, hook + "Do it in a script after the end."},
		{"ssl_context", "", notYet, tls},

		{"preload_app", "--preload", ours, "`--preload`; a reload imports the app anew, and `standpipe_shim.on_fork(fn)` runs fn in each worker"},
		{"sendfile", "--no-sendfile", notNeeded, "there is no sendfile to switch off. Leave the flag out."},
		{"reuse_port", "--reuse-port", notYet, "one process accepts for all workers, so workers need it not."},
		{"chdir", "--chdir", ours, "`--dir`"},
		{"daemon", "-D --daemon", notNeeded, "let systemd, supervisord or Docker run it in the background."},
		{"raw_env", "-e --env", ours, ""},
		{"pidfile", "-p --pid", notYet, "systemd and Docker know the process by themselves. For a port, write -b 8000."},
		{"worker_tmp_dir", "--worker-tmp-dir", notNeeded, "workers are not watched by files, so a slow disk hurts nobody. Leave the flag out."},
		{"user", "-u --user", ours, "of the serving process too; `user` in [[app]] is one app's own"},
		{"group", "-g --group", ours, "default: the user's own group"},
		{"umask", "-m --umask", ours, "of the workers; default: standpipe's own, not 0. A socket's mode is `-b 'unix:/path?mode=0660'`"},
		{"initgroups", "--initgroups", notNeeded, "--user always brings the user's supplementary groups. Leave the flag out."},
		{"tmp_upload_dir", "", ours, "`--spool-dir`"},
		{"secure_scheme_headers", "", notNeeded, "X-Forwarded-Proto of a trusted proxy is read; `--trusted-fields` names others (X-Forwarded-Ssl, Forwarded)."},
		{"forwarded_allow_ips", "--forwarded-allow-ips", ours, "`--trusted-proxies`; networks too"},
		{"pythonpath", "--pythonpath", ours, ""},
		{"paste", "--paste --paster", notYet, "write a wsgi.py that calls paste.deploy.loadapp, and serve that."},
		{"proxy_protocol", "--proxy-protocol", notYet, "let the proxy send X-Forwarded-For, and name it by --trusted-proxies."},
		{"proxy_allow_ips", "--proxy-allow-from", notYet, "the PROXY protocol is not spoken."},
		{"protocol", "--protocol", notNeeded, "an address says what is spoken there: -b uwsgi://127.0.0.1:3031, -b uwsgi+unix:/path."},
		{"uwsgi_allow_ips", "--uwsgi-allow-from", notNeeded, "--trusted-proxies names the peers that are believed, for uwsgi too."},
		{"raw_paste_global_conf", "--paste-global", notYet, "see --paste."},
		{"permit_obsolete_folding", "--permit-obsolete-folding", notNeeded, strictH},
		{"strip_header_spaces", "--strip-header-spaces", notNeeded, strictH},
		{"permit_unconventional_http_method", "--permit-unconventional-http-method", notNeeded, "every method that is a token (RFC 9110 9.1) is handed to the app."},
		{"permit_unconventional_http_version", "--permit-unconventional-http-version", notNeeded, strictH},
		{"casefold_http_method", "--casefold-http-method", notNeeded, "methods are case-sensitive (RFC 9110 9.1)."},
		{"forwarder_headers", "--forwarder-headers", notNeeded, "SCRIPT_NAME comes from --mount alone, never from a request's field."},
		{"header_map", "--header-map", notNeeded, "fields with an underscore in their name are dropped and logged; --underscore-fields names those that the app gets."},
		{"root_path", "--root-path", notNeeded, "--mount sets SCRIPT_NAME."},

		{"bind", "-b --bind", ours, ""},
		{"backlog", "--backlog", ours, ""},

		{"workers", "-w --workers", ours, "default: by cpus and memory, not 1"},
		{"worker_class", "-k --worker-class", ours, "`sync` and `gthread` are accepted and mean the same; `--threads` decides. `gevent` is `--gevent 1000`. eventlet and tornado: not yet"},
		{"threads", "--threads", ours, ""},
		{"worker_connections", "--worker-connections", ours, "with `-k gevent`; it is the N of `--gevent N`"},
		{"max_requests", "--max-requests", ours, "the replacement is ready before the old worker goes; a tenth at a time"},
		{"max_requests_jitter", "--max-requests-jitter", ours, "a number, or a share; default 10%"},
		{"timeout", "-t --timeout", ours, "bounds each request until its first octets, with threads too"},
		{"graceful_timeout", "--graceful-timeout", ours, "default: by `--stop-timeout`"},
		{"keepalive", "--keep-alive", ours, "`--idle-timeout`; default 75s, not 2s"},
		{"asgi_loop", "--asgi-loop", notYet, asgi},
		{"asgi_lifespan", "--asgi-lifespan", notYet, asgi},
		{"asgi_disconnect_grace_period", "--asgi-disconnect-grace-period", notYet, asgi},
		{"websocket_max_message_size", "--websocket-max-message-size", notYet, asgi},
		{"http_parser", "--http-parser", notNeeded, "there is one parser."},
	}
}
