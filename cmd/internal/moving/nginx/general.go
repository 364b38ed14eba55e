package nginx

import (
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// general translates directives that are settings of the whole server here. The first one counts.
func (t *translation) general(d directive) bool {
	limits := t.d.Table("[limits]")
	value := d.arg(0)
	switch d.name {
	case "client_max_body_size":
		largest(t, limits, d, size(value))
	case "client_header_timeout", "client_body_timeout", "keepalive_timeout", "send_timeout":
		key := map[string]string{"client_header_timeout": "header_timeout", "client_body_timeout": "body_timeout", "keepalive_timeout": "idle_timeout", "send_timeout": "send_timeout"}[d.name]
		v, ok := seconds(value)
		if !ok || v == "0s" { // 0 is no limit here, and closes at once there
			return false
		}
		t.once(limits, d, key, v)
	case "keepalive_requests":
		t.once(limits, d, "max_requests_per_connection", value)
	case "access_log":
		if value == "off" {
			t.once(t.d.Table("[log]"), d, "access_log", "off")
		} else if !strings.Contains(value, "$") && !strings.HasPrefix(value, "syslog:") {
			t.once(t.d.Table("[log]"), d, "access_log", t.logFile(value))
		} else {
			return false
		}
	case "error_log":
		if strings.HasPrefix(value, "syslog:") {
			return false
		}
		t.once(t.d.Table("[log]"), d, "error_log", t.logFile(value))
		if level, ok := map[string]string{"debug": "debug", "info": "info", "notice": "info", "warn": "warn", "error": "error", "crit": "error", "alert": "error", "emerg": "error"}[d.arg(1)]; ok {
			t.once(t.d.Table("[log]"), d, "log_level", level)
		}
	case "set_real_ip_from":
		t.d.Table("").Append(d.at, "trusted_proxies", value)
	case "ssl_protocols":
		if slices.Contains(d.args, "TLSv1.3") && len(d.args) == 1 {
			t.once(t.d.Table("[tls]"), d, "tls_min", "1.3")
			return true
		}
		return false
	case "ssl_client_certificate":
		t.once(t.d.Table("[tls]"), d, "client_ca", t.paths.File(value))
	case "ssl_verify_client":
		if word, ok := map[string]string{"on": "require", "optional": "request"}[value]; ok {
			t.once(t.d.Table("[tls]"), d, "client_auth", word)
		}
	case "add_header":
		if !strings.EqualFold(value, "Strict-Transport-Security") {
			return false
		}
		t.once(t.d.Table("[tls]"), d, "hsts", d.arg(1))
	default:
		return false
	}
	return true
}

func (t *translation) logFile(name string) string {
	switch name {
	case "/dev/stdout", "/dev/stderr", "stderr":
		return "-"
	}
	return t.paths.File(name)
}

// ofLocation translates directives of a location that are settings of the whole server here, if that does no harm to the others.
func ofLocation(t *translation, d directive) bool {
	switch d.name {
	case "access_log", "error_log", "keepalive_timeout", "keepalive_requests", "client_body_timeout", "send_timeout":
		t.d.Missing(d.at, d.String(), "it is one for all requests here; of a location it is not taken")
		return true
	}
	return t.general(d)
}

// largest sets max_body to the largest of all bodies that some location takes.
func largest(t *translation, limits *draft.Table, d directive, value string) {
	before := t.body
	switch {
	case value == "" || before.name == "":
		t.once(limits, d, "max_body", value)
		t.body = d
	case bytesOf(d.arg(0)) == bytesOf(before.arg(0)):
	case bytesOf(d.arg(0)) > bytesOf(before.arg(0)):
		limits.Set(d.at, "max_body", value)
		t.body = d
		t.d.Missing(before.at, before.String(), "`max_body` is one for all sites here; the largest one counts")
	default:
		t.d.Missing(d.at, d.String(), "`max_body` is one for all sites here; the largest one counts")
	}
}

// once sets a key that is one for all sites. A second value that differs is told.
func (t *translation) once(table *draft.Table, d directive, key, value string) {
	switch {
	case value == "" || strings.Contains(value, "$"):
		t.d.Missing(d.at, d.String(), "the value cannot be read")
	case !table.Has(key):
		table.Set(d.at, key, value)
	case !table.Is(key, value):
		t.d.Missing(d.at, d.String(), "`%s` is one for all sites here; the first one counts", key)
	}
}

// finish writes what all servers together say.
func (t *translation) finish() {
	for i, p := range t.pairs {
		cert, key := t.paths.File(p.cert.arg(0)), t.paths.File(p.key.arg(0))
		if i == 0 {
			tls := t.d.Table("[tls]")
			tls.Set(p.cert.at, "tls_cert", cert)
			tls.Set(p.key.at, "tls_key", key)
			continue
		}
		c := t.d.Add("[[certificate]]")
		c.Set(p.cert.at, "cert", cert)
		c.Set(p.key.at, "key", key)
	}
	https := slices.ContainsFunc(t.order, func(a string) bool { return t.listens[a].tls && len(t.pairs) > 0 })
	for _, address := range t.order {
		l := t.listens[address]
		table := t.d.Add("[[listen]]")
		table.Set(l.at, "address", address)
		switch {
		case l.tls && len(t.pairs) > 0:
			table.Set(l.at, "protocol", "https")
		case l.tls:
			t.d.Missing(l.at, "listen "+address+" ssl", "no server names a certificate that can be read: `tls_cert` in [tls], or `https` for automatic ones (docs/automatic-https.md)")
		case https:
			table.Set(l.at, "protocol", "http")
		}
		if l.proxyProtocol {
			table.Set(l.at, "proxy_protocol", true)
		}
		if l.tls && l.noH2 {
			table.Set(l.at, "http2", false)
		}
		switch {
		case l.redirects && !l.serves && https:
			table.Set(l.at, "redirect_https", true)
		case l.redirects && https:
			t.d.Missing(l.at, "listen "+address, "some servers there redirect to https and others do not; `redirect_https` is for the whole address")
		}
	}
	closeHosts(t)
	for _, d := range t.inherited {
		t.none(d)
	}
	t.gates.write(t.servers)
	t.limits.write(t.servers)
	t.write()
	if t.servers > 1 && !slices.ContainsFunc(t.places, func(p *place) bool { return len(p.hosts) == 0 }) {
		t.d.Title = append(t.d.Title, "Requests for hosts that no server names go to the app; nginx's first server, or its default_server, takes them.")
	}
	app := t.d.Add("[[app]]")
	app.Remark("What no folder and no route takes goes to an app; without a module the folder is searched for one.")
	if len(t.places) > 0 { // none is needed
		app.Comment()
	}
	app.Suggest(draft.Place{}, "module", "shop.wsgi:application")
}
