package uwsgi

import (
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// listen translates the addresses and what holds for all of them.
func (t *translation) listen() {
	protocol := t.last("protocol", "socket-protocol").value
	for _, o := range t.reader.options {
		switch o.key {
		case "http", "http-socket", "http11-socket":
			t.address(o, o.value, "http")
		case "socket":
			switch protocol {
			case "", "uwsgi", "http", "http11":
				t.address(o, o.value, strings.TrimSuffix(orElse(protocol, "uwsgi"), "11"))
			default:
				t.d.Missing(o.at, "socket = "+o.value, "not yet: the protocol is %s; http, https and uwsgi are spoken", protocol)
			}
		case "uwsgi-socket":
			t.address(o, o.value, "uwsgi")
		case "https", "https2", "https-socket":
			t.https(o)
		case "http-to-https":
			if l := t.address(o, o.value, "http"); l != nil {
				l.Set(o.at, "redirect_https", true)
			}
		}
	}
	for _, l := range t.d.All("[[listen]]") {
		if o := t.last("listen"); o.value != "" {
			l.Set(o.at, "backlog", number(o.value))
		}
		if o := t.last("http-enable-proxy-protocol", "enable-proxy-protocol"); o.key != "" && !off(o.value) && !strings.Contains(l.Text("protocol"), "uwsgi") {
			l.Set(o.at, "proxy_protocol", true)
		}
		if !strings.HasPrefix(l.Text("address"), `"unix:`) {
			continue
		}
		if o := t.last("chmod-socket", "chmod"); o.key != "" {
			l.Set(o.at, "mode", "0"+strings.TrimLeft(orElse(strings.TrimSpace(o.value), "666"), "0"))
		}
		if o := t.last("chown-socket"); o.value != "" {
			user, group, _ := strings.Cut(o.value, ":")
			l.Set(o.at, "user", user)
			if group != "" {
				l.Set(o.at, "group", group)
			}
		}
	}
	if len(t.d.All("[[listen]]")) == 0 {
		t.d.Table("[[listen]]").Remark("uWSGI gets its addresses from its command line, or from the emperor.")
	}
}

func orElse(s, alt string) string {
	if s == "" {
		return alt
	}
	return s
}

// address adds an address; nil: it has no equivalent.
func (t *translation) address(o option, text, protocol string) *draft.Table {
	text, _, _ = strings.Cut(strings.TrimSpace(text), ",")
	at := text
	switch {
	case text == "" || off(text):
		return nil
	case strings.HasPrefix(text, "@") || strings.HasPrefix(text, "="):
		t.d.Missing(o.at, o.key+" = "+text, "abstract and shared sockets have no equivalent; write host:port or unix:/path")
		return nil
	case strings.HasPrefix(text, "fd://") || strings.HasPrefix(text, "unix:"):
	case strings.Trim(text, "0123456789") == "":
		at = ":" + text
	case strings.Contains(text, "/") || !strings.Contains(text, ":") && !strings.HasPrefix(text, draft.Variable("")[:3]):
		at = "unix:" + t.start.File(text)
	case strings.HasPrefix(text, "*:"):
		at = text[1:]
	}
	for _, other := range t.d.All("[[listen]]") {
		if other.Is("address", at) {
			return other
		}
	}
	l := t.d.Add("[[listen]]")
	l.Set(o.at, "address", at)
	if protocol != "http" {
		l.Set(o.at, "protocol", protocol)
	}
	return l
}

// https reads ADDRESS,CERTIFICATE,KEY,CIPHERS,CA, or the form with names: addr=...,cert=...,key=...
func (t *translation) https(o option) {
	parts := strings.Split(o.value, ",")
	fields := map[string]string{}
	for i, part := range parts {
		name, value, named := strings.Cut(part, "=")
		switch {
		case o.key == "https2" && named:
			fields[name] = value
		case i < 5:
			fields[[]string{"addr", "cert", "key", "ciphers", "client_ca"}[i]] = part
		}
	}
	if t.address(o, fields["addr"], "https") == nil {
		return
	}
	tls := t.d.Table("[tls]")
	for _, key := range []struct{ from, to string }{{"cert", "tls_cert"}, {"key", "tls_key"}, {"client_ca", "client_ca"}} {
		if file := strings.TrimPrefix(fields[key.from], "!"); file != "" {
			tls.Set(o.at, key.to, t.start.File(file))
		}
	}
	if fields["ciphers"] != "" {
		t.d.Missing(o.at, o.key+" ciphers "+short(fields["ciphers"]), "not needed: only suites that are considered safe are spoken")
	}
}
