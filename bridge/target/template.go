package target

import (
	"fmt"
	"slices"
	"strings"
)

// Template is a text with placeholders: {scheme}, {host}, {path}, {query}, and {1} to {9} for the groups of a regular
// expression.
type Template struct {
	text   string
	parts  []part // of the path, or of the URL
	query  []part // behind the first ?; nil: there is none
	asks   bool   // there is a ?
	groups int    // the highest one
	named  map[string]bool
}

// part is a text, or a placeholder.
type part struct{ text, name string }

// names are the placeholders besides groups.
var names = []string{"scheme", "host", "path", "query"}

// parse reads the placeholders.
func parse(text string) (*Template, error) {
	t := &Template{text: text, named: map[string]bool{}}
	if i := strings.IndexFunc(text, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '\\' || c == '#' }); i >= 0 {
		return nil, fmt.Errorf("%q contains a blank, a control character, a backslash or a #", text)
	}
	to := &t.parts
	for rest := text; rest != ""; {
		i := strings.IndexAny(rest, "{}?")
		if t.asks && i >= 0 && rest[i] == '?' { // a ? in the query is an ordinary byte
			i = len(rest)
			if j := strings.IndexAny(rest, "{}"); j >= 0 {
				i = j
			}
		}
		switch {
		case i < 0:
			i = len(rest)
		case i == 0 && rest[0] == '?':
			t.asks, to, rest = true, &t.query, rest[1:]
			continue
		case i == 0:
			name, after, ok := strings.Cut(rest[1:], "}")
			if rest[0] == '}' || !ok {
				return nil, fmt.Errorf("%q has a %c that belongs to no placeholder; write %%7B or %%7D for the character", text, rest[0])
			}
			if err := t.placeholder(name); err != nil {
				return nil, err
			}
			*to = append(*to, part{name: name})
			rest = after
			continue
		}
		if i > 0 {
			*to = append(*to, part{text: encode(rest[:i], t.asks)})
			rest = rest[i:]
		}
	}
	return t, nil
}

func (t *Template) placeholder(name string) error {
	if len(name) == 1 && name[0] >= '1' && name[0] <= '9' {
		t.groups = max(t.groups, int(name[0]-'0'))
		return nil
	}
	if slices.Contains(names, name) {
		t.named[name] = true
		return nil
	}
	return fmt.Errorf("%q: there is no placeholder {%s}; these are {%s}, {1} to {9}", t.text, name, strings.Join(names, "}, {"))
}

// ParsePath reads a template of a path, and of a query if it has a ?.
func ParsePath(text string) (*Template, error) {
	t, err := parse(text)
	if err != nil {
		return nil, err
	}
	if t.named["scheme"] || t.named["host"] {
		return nil, fmt.Errorf("%q: {scheme} and {host} are no parts of a path", text)
	}
	if len(t.parts) == 0 || t.parts[0].name != "path" && !strings.HasPrefix(t.parts[0].text, "/") {
		return nil, fmt.Errorf("%q does not begin with a slash or {path}", text)
	}
	return t, t.queryBehind()
}

// ParseURL reads a template of a URL: one with a scheme and a host, or a path. No placeholder but {host} may stand where the
// host is: a group in that place could name any other one.
func ParseURL(text string) (*Template, error) {
	t, err := parse(text)
	if err != nil {
		return nil, err
	}
	rest, absolute := "", false
	for _, scheme := range []string{"http://", "https://", "{scheme}://"} {
		if after, ok := strings.CutPrefix(text, scheme); ok {
			rest, absolute = after, true
		}
	}
	switch {
	case !absolute && (strings.HasPrefix(text, "//") || !strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "{path}")):
		return nil, fmt.Errorf("%q is not a URL or a path; write https://shop.example.org{path}, or a path that begins with one slash", text)
	case !absolute:
		return t, t.queryBehind()
	}
	host := rest
	if i := strings.IndexAny(strings.ReplaceAll(rest, "{host}", "------"), "/?{"); i >= 0 {
		host, rest = rest[:i], rest[i:]
	} else {
		rest = ""
	}
	switch {
	case host == "" || strings.Contains(host, "@"):
		return nil, fmt.Errorf("%q has no host behind ://, or a user", text)
	case rest != "" && rest[0] == '{' && !strings.HasPrefix(rest, "{path}"):
		name, _, _ := strings.Cut(rest, "}")
		return nil, fmt.Errorf("%q: %s} stands where the host ends, so that a request could name another one; write a slash in front of it", text, name)
	}
	return t, t.queryBehind()
}

// queryBehind: {query} in a path would be read as a part of it.
func (t *Template) queryBehind() error {
	for _, p := range t.parts {
		if p.name == "query" {
			return fmt.Errorf("%q: {query} belongs behind a ?", t.text)
		}
	}
	return nil
}

// Groups is the highest group that the template names; 0: none.
func (t *Template) Groups() int { return t.groups }

// String is the template as it was written.
func (t *Template) String() string { return t.text }

// Folder is the fixed beginning of a path, up to its last slash: what is made of the template stays below it.
func (t *Template) Folder() string {
	if t.parts[0].name != "" {
		return "/"
	}
	text := t.parts[0].text
	return text[:strings.LastIndexByte(text, '/')+1]
}

// Path makes the path and the query of a request. keep: the template has no query of its own.
func (t *Template) Path(p *Parts) (path, query string, keep bool) {
	return t.join(t.parts, p, false), t.join(t.query, p, true), !t.asks
}

// URL makes a URL. Not ok: the request's host cannot stand in it.
func (t *Template) URL(p *Parts) (url string, ok bool) {
	if t.named["host"] && !p.goodHost() {
		return "", false
	}
	url = t.join(t.parts, p, false)
	if url[0] == '/' { // two slashes, or what browsers read so, would begin a host
		url = "/" + strings.TrimLeft(url, "/")
	}
	if query := t.join(t.query, p, true); query != "" {
		url += "?" + query
	}
	return url, true
}

// join puts the parts together. An & beside an empty {query} goes.
func (t *Template) join(list []part, p *Parts, query bool) string {
	var b strings.Builder
	for i, one := range list {
		switch {
		case one.name == "":
			text := one.text
			if query && i+1 < len(list) && list[i+1].name == "query" && p.Query == "" {
				text = strings.TrimSuffix(text, "&")
			}
			b.WriteString(text)
		case one.name == "host", one.name == "scheme":
			b.WriteString(p.of(one.name))
		case query && one.name != "query":
			b.WriteString(strings.NewReplacer("&", "%26", "+", "%2B", "=", "%3D", "?", "%3F").Replace(encode(p.of(one.name), true)))
		default:
			b.WriteString(encode(p.of(one.name), query))
		}
	}
	if query && p.Query == "" && len(list) > 0 && list[0].name == "query" {
		return strings.TrimPrefix(b.String(), "&")
	}
	return b.String()
}
