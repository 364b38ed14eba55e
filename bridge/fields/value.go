package fields

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// placeholders are those of a Value.
var placeholders = []string{"client", "host", "id", "scheme"}

// Value is a field's value: a text with {client}, {host}, {id} and {scheme}. Other braces are text: values may be JSON.
type Value struct {
	text  string
	parts []part // nil: the text is all
}

// part is a text, or a placeholder.
type part struct{ text, name string }

// ParseValue reads a value.
func ParseValue(text string) (Value, error) {
	v := Value{text: text}
	if !httpx.ValidValue(text) || strings.Trim(text, " \t") != text {
		return v, fmt.Errorf("%q is not a field's value: it has a control character, or a blank at an end", text)
	}
	rest, named := text, false
	for rest != "" {
		i, name := nextName(rest)
		if name == "" {
			v.parts = append(v.parts, part{text: rest})
			break
		}
		if !slices.Contains(placeholders, name) {
			return v, fmt.Errorf("%q: there is no placeholder {%s}; these are {%s}", text, name, strings.Join(placeholders, "}, {"))
		}
		v.parts = append(v.parts, part{text: rest[:i]}, part{name: name})
		rest, named = rest[i+len(name)+2:], true
	}
	if !named {
		v.parts = nil
	}
	return v, nil
}

// nextName finds the first word in braces and its place; name empty: there is none.
func nextName(s string) (at int, name string) {
	for i := 0; i < len(s); i++ {
		if s[i] != '{' {
			continue
		}
		j := i + 1
		for j < len(s) && (s[j] >= 'a' && s[j] <= 'z' || s[j] == '_') {
			j++
		}
		if j > i+1 && j < len(s) && s[j] == '}' {
			return i, s[i+1 : j]
		}
	}
	return 0, ""
}

// String is the value as it was written.
func (v Value) String() string { return v.text }

// of is the value for a request.
func (v Value) of(r *http.Request, n *httpx.RequestInfo) string {
	if v.parts == nil {
		return v.text
	}
	var b strings.Builder
	for _, p := range v.parts {
		switch p.name {
		case "":
			b.WriteString(p.text)
		case "client":
			b.WriteString(safe(n.RemoteAddr))
		case "host":
			if cgi.ValidHost(r.Host) {
				b.WriteString(r.Host)
			}
		case "id":
			b.WriteString(safe(n.ID))
		case "scheme":
			b.WriteString(safe(n.Scheme))
		}
	}
	return strings.Trim(b.String(), " \t")
}

// safe is s, or nothing where s cannot be a part of a field's value.
func safe(s string) string {
	if !httpx.ValidValue(s) {
		return ""
	}
	return s
}
