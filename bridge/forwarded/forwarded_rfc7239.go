package forwarded

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// element is one proxy's entry of a Forwarded field (RFC 7239 4).
type element struct {
	text              string // as it came, trimmed
	node, proto, host string
}

// forwarded is believe for the Forwarded field. Of its parameters those count whose words do; the others are taken out.
func (f *forwarder) forwarded(n *httpx.RequestInfo, r *http.Request, field string) (client netip.Addr) {
	list, ok := parseForwarded(field)
	if !ok || len(list) == 0 {
		delete(r.Header, "Forwarded")
		return client
	}
	from := len(list) // index of the client's element
	for i := len(list) - 1; i >= 0 && f.fields.client; i-- {
		a, ok := address(list[i].node)
		if !ok {
			break
		}
		client, from = a, i
		if !f.trust.Addr(a) {
			break
		}
	}
	if from == len(list) && (list[from-1].node == "" || !f.fields.client) {
		from-- // the peer's own element names no address, but may name the scheme
	}
	if from == len(list) {
		delete(r.Header, "Forwarded")
		return client
	}
	e := list[from]
	if s := strings.ToLower(e.proto); f.fields.proto && (s == "https" || s == "http") {
		n.Scheme = s
	}
	if f.fields.host && hostOK(e.host) {
		r.Host = e.host
		n.ServerPort = portOf(e.host)
		if n.ServerPort == "" {
			n.ServerPort = defaultPort(n.Scheme)
		}
	}
	texts := make([]string, 0, len(list)-from)
	for _, e := range list[from:] {
		if text := f.fields.cut(e); text != "" {
			texts = append(texts, text)
		}
	}
	set(r.Header, "Forwarded", strings.Join(texts, ", "))
	return client
}

// cut is an element with the parameters that count.
func (f *Fields) cut(e element) string {
	if (f.client || e.node == "") && (f.proto || e.proto == "") && (f.host || e.host == "") {
		return e.text
	}
	var parts []string
	for _, p := range []struct {
		counts      bool
		name, value string
	}{{f.client, "for", e.node}, {f.proto, "proto", e.proto}, {f.host, "host", e.host}} {
		if p.counts && p.value != "" {
			parts = append(parts, p.name+`="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p.value)+`"`)
		}
	}
	return strings.Join(parts, ";")
}

// parseForwarded reads elements and their pairs, with quoted strings. ok is false
// when the field does not follow RFC 7239; nothing of it is then believed.
func parseForwarded(s string) (list []element, ok bool) {
	for s != "" {
		e := element{}
		start := s
		for {
			s = strings.TrimLeft(s, " \t")
			eq := strings.IndexAny(s, "=,;\"")
			if eq < 0 || s[eq] != '=' {
				if eq < 0 && s != "" || eq >= 0 && s[eq] == '"' || eq > 0 {
					return nil, false
				}
				// an empty pair or element: ";;", ",,", or the end
			} else {
				name := strings.ToLower(s[:eq])
				var value string
				if value, s, ok = forwardedValue(s[eq+1:]); !ok {
					return nil, false
				}
				var field *string
				switch name {
				case "for":
					field = &e.node
				case "proto":
					field = &e.proto
				case "host":
					field = &e.host
				}
				if field != nil {
					if *field != "" { // RFC 7239 4: each parameter once
						return nil, false
					}
					*field = value
				}
				s = strings.TrimLeft(s, " \t")
			}
			if s == "" || s[0] == ',' {
				break
			}
			if s[0] != ';' {
				return nil, false
			}
			s = s[1:]
		}
		if e.text = strings.Trim(start[:len(start)-len(s)], " \t"); e.text != "" {
			list = append(list, e)
		}
		s = strings.TrimPrefix(s, ",")
	}
	return list, true
}

// forwardedValue reads a token or a quoted string and returns what follows it.
func forwardedValue(s string) (value, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		i := strings.IndexAny(s, ",; \t\"=")
		if i < 0 {
			i = len(s)
		}
		return s[:i], s[i:], i > 0
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			i++
			if i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
