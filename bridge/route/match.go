package route

import (
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
)

// Match are the conditions of one route. All of them must hold; of a list, one item must. The
// zero value matches every request.
type Match struct {
	// Path is the beginning of the path, up to the end of a segment: "/legacy"; "" and "/": all.
	Path string
	// Exact are whole paths, Globs patterns of whole paths, Regexes regular expressions (RE2) that
	// are found in the path. "." matches every byte, line feeds too.
	Exact, Globs, Regexes []string
	// Hosts are as an app's.
	Hosts []string
	// Methods are names of methods; GET stands for HEAD too.
	Methods []string
	// Fields and Parameters are of the head and of the query. Each must match.
	Fields, Parameters []Value
	// Clients are networks of the client's address.
	Clients []netip.Prefix
	// Scheme is "http", "https", or empty: both.
	Scheme string
	// Listen are addresses of the server, as Routes.At has them; none: every address.
	Listen []string
}

// Matcher is a Match, compiled. It does not change, and asking it allocates nothing.
type Matcher struct {
	prefix string // without a slash at the end
	hosts  hosts  // none: every host
	rest   []condition
	regex  *regexp.Regexp // the only one of Regexes, whose groups a target may name; nil: none, or several
}

// condition is one thing that must hold.
type condition interface {
	holds(q query) bool
	// String says what must hold, in the words of the configuration.
	String() string
}

// Compile checks the conditions. Cheap ones are asked first.
func (m *Match) Compile() (*Matcher, error) {
	p, err := NewPattern(m.Path, "")
	if err != nil {
		return nil, err
	}
	hosts, err := newHosts(m.Hosts)
	if err != nil {
		return nil, err
	}
	out := &Matcher{prefix: p.Mount, hosts: hosts}
	add := func(yes bool, c condition) {
		if yes {
			out.rest = append(out.rest, c)
		}
	}
	add(len(m.Listen) > 0, addresses(m.Listen))
	add(len(m.Methods) > 0, methods(m.Methods))
	add(m.Scheme != "", scheme(m.Scheme))
	add(len(m.Exact) > 0, exact(m.Exact))
	add(len(m.Clients) > 0, clients(m.Clients))
	for _, v := range m.Fields {
		v.Name = http.CanonicalHeaderKey(v.Name)
		f, err := v.compile()
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", v.Name, err)
		}
		add(true, field{f})
	}
	for _, v := range m.Parameters {
		f, err := v.compile()
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", v.Name, err)
		}
		add(true, parameter{f})
	}
	for _, list := range []struct {
		key   string
		texts []string
		read  func(string) (*regexp.Regexp, error)
	}{{"path_glob", m.Globs, compileGlob}, {"path_regex", m.Regexes, compileRegex}} {
		c := expressions{key: list.key}
		for _, text := range list.texts {
			re, err := list.read(text)
			if err != nil {
				return nil, err
			}
			c.texts, c.list = append(c.texts, text), append(c.list, re)
		}
		add(len(c.list) > 0, c)
		if list.key == "path_regex" && len(c.list) == 1 {
			out.regex = c.list[0]
		}
	}
	return out, nil
}

// Groups is how many groups the only regular expression has; 0: there is none, or several.
func (m *Matcher) Groups() int {
	if m.regex == nil {
		return 0
	}
	return m.regex.NumSubexp()
}

// Find returns the places of the groups of the only regular expression in path, as
// regexp.FindStringSubmatchIndex does; nil: there is none.
func (m *Matcher) Find(path string) []int {
	if m.regex == nil {
		return nil
	}
	return m.regex.FindStringSubmatchIndex(path)
}

// Prefix is the beginning of the paths that match, without a slash at its end.
func (m *Matcher) Prefix() string { return m.prefix }

// What fails says besides an index in rest.
const (
	nothing = -3 // all conditions hold
	thePath = -2 // the beginning of the path
	theHost = -1
)

// fails returns the first condition that does not hold.
func (m *Matcher) fails(q *query) int {
	if !Under(q.r.URL.Path, m.prefix) && !q.merged(m.prefix) {
		return thePath
	}
	if len(m.hosts) > 0 && !q.among(m.hosts) {
		return theHost
	}
	if len(m.rest) > 0 {
		q.complete()
	}
	for i, c := range m.rest {
		if !c.holds(*q) {
			return i
		}
	}
	return nothing
}

// describe names a condition.
func (m *Matcher) describe(i int) string {
	switch i {
	case nothing:
		return ""
	case thePath:
		return "path " + m.prefix + "/"
	case theHost:
		return m.hosts.String()
	}
	return m.rest[i].String()
}

// String lists all conditions.
func (m *Matcher) String() string {
	var out []string
	if m.prefix != "" || len(m.hosts)+len(m.rest) == 0 {
		out = append(out, m.describe(thePath))
	}
	if len(m.hosts) > 0 {
		out = append(out, m.describe(theHost))
	}
	for i := range m.rest {
		out = append(out, m.describe(i))
	}
	return strings.Join(out, ", ")
}

// compileRegex: "." matches line feeds, or a path with %0A would pass what is meant for all paths.
func compileRegex(text string) (*regexp.Regexp, error) { return regexp.Compile("(?s:" + text + ")") }
