package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/route"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// RouteMatch are the conditions of a route besides its path and hosts. All must hold; of a list, one item must.
type RouteMatch struct {
	Exact   []string `key:"path_exact"`
	Globs   []string `key:"path_glob"`
	Regexes []string `key:"path_regex"`
	Methods []string `key:"methods"`
	Fields  []route.Value
	Query   []route.Value
	Clients []netip.Prefix
	Scheme  string   `key:"scheme"` // "http" or "https"; empty: both
	Listen  []string // addresses of this server, as Listen.Bare; none: all of them
}

// Settings are keys of [[route]].
func (*RouteMatch) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "path_exact", Kind: schema.List, Derived: "every path", Reload: true},
		{Key: "path_glob", Kind: schema.List, Derived: "every path", Reload: true},
		{Key: "path_regex", Kind: schema.List, Derived: "every path", Reload: true},
		{Key: "methods", Kind: schema.List, Derived: "every method", Reload: true},
		valuesSetting("match_fields", func(m *RouteMatch) *[]route.Value { return &m.Fields }),
		valuesSetting("match_query", func(m *RouteMatch) *[]route.Value { return &m.Query }),
		{Key: "clients", Kind: schema.List, Derived: "every client", Reload: true, Set: schema.Set(setClients),
			Show: schema.Show(func(m *RouteMatch) (string, bool) {
				return strings.Join(networkTexts(m.Clients), ","), len(m.Clients) > 0
			})},
		{Key: "scheme", Kind: schema.Choice, Choices: []string{"http", "https"}, Derived: "both", Reload: true},
		{Key: "listen", Kind: schema.List, Derived: "every address", Reload: true, Set: schema.Set(setRouteListen),
			Show: schema.Show(func(m *RouteMatch) (string, bool) { return strings.Join(m.Listen, ","), len(m.Listen) > 0 })},
	}}
}

// valuesSetting are names with patterns of their values.
func valuesSetting(key string, at func(*RouteMatch) *[]route.Value) schema.Setting {
	return schema.Setting{Key: key, Kind: schema.Pairs, Derived: "none", Reload: true,
		Set: schema.Set(func(m *RouteMatch, in schema.Input) error {
			*at(m) = nil
			for _, v := range in.Values {
				name, value, ok := strings.Cut(v, "=")
				if !ok || name == "" {
					return fmt.Errorf("%q is not a name and a value", v)
				}
				*at(m) = append(*at(m), route.Value{Name: name, Pattern: value})
			}
			return nil
		}),
		Show: schema.Show(func(m *RouteMatch) (string, bool) {
			var out []string
			for _, v := range *at(m) {
				out = append(out, v.Name+"="+v.Pattern)
			}
			return strings.Join(out, "; "), len(out) > 0
		})}
}

func setClients(m *RouteMatch, in schema.Input) error {
	m.Clients = nil
	for _, v := range in.List() {
		p, err := parseNetwork(v, "192.0.2.7 or 10.0.0.0/8")
		if err != nil {
			return err
		}
		m.Clients = append(m.Clients, p)
	}
	return nil
}

func setRouteListen(m *RouteMatch, in schema.Input) (err error) {
	m.Listen, err = parseOwn(in)
	return err
}

// at reports whether requests that come to an address may match.
func (m *RouteMatch) at(l *Listen) bool {
	return len(m.Listen) == 0 || slices.Contains(m.Listen, l.Bare())
}

// any reports whether there are no conditions.
func (m *RouteMatch) any() bool {
	return len(m.Exact)+len(m.Globs)+len(m.Regexes)+len(m.Methods)+len(m.Fields)+len(m.Query)+len(m.Clients)+len(m.Listen) == 0 && m.Scheme == ""
}

// String are the conditions, each behind a comma.
func (m *RouteMatch) String() string {
	if m.any() {
		return ""
	}
	c := (&Route{Match: *m}).Conditions()
	matcher, err := c.Compile()
	if err != nil {
		return ""
	}
	return ", " + matcher.String()
}

// Conditions are all conditions of the route.
func (r *Route) Conditions() route.Match {
	m := &r.Match
	return route.Match{Path: r.Path, Hosts: r.Hosts, Exact: m.Exact, Globs: m.Globs, Regexes: m.Regexes, Methods: m.Methods, Fields: m.Fields, Parameters: m.Query,
		Clients: m.Clients, Scheme: m.Scheme, Listen: m.Listen}
}

// Check finds conditions that cannot be read, and those that no request meets.
func (m *RouteMatch) Check(row *schema.Row) {
	for _, p := range m.Exact {
		if why := badPath(p); why != "" {
			row.Bad("path_exact", "path_exact %q %s", p, why)
		}
	}
	for _, one := range []struct {
		key string
		m   route.Match
	}{{"path_glob", route.Match{Globs: m.Globs}}, {"path_regex", route.Match{Regexes: m.Regexes}}, {"match_fields", route.Match{Fields: m.Fields}}, {"match_query", route.Match{Parameters: m.Query}}} {
		if _, err := one.m.Compile(); err != nil {
			row.Bad(one.key, "%s: %s", one.key, regexProblem(err))
		}
	}
	for _, name := range m.Methods {
		if !isToken(name) || strings.ToUpper(name) != name {
			row.Bad("methods", "methods: %q is not a method's name in capital letters; write %q", name, strings.ToUpper(name))
		}
	}
	for _, f := range m.Fields {
		switch {
		case !isToken(f.Name):
			row.Bad("match_fields", "match_fields: %q is not the name of a field", f.Name)
		case strings.EqualFold(f.Name, "Host"):
			row.Bad("match_fields", "match_fields: write hosts for the field Host")
		}
	}
}

// badPath says what is wrong with a whole path of a request; empty: nothing.
func badPath(p string) string {
	if strings.HasSuffix(p, "/") && p != "/" {
		p = p[:len(p)-1]
	}
	return badMount(p)
}

// notRE2 are parts of Perl's regular expressions that RE2 does not have, which takes time in proportion to the text.
var notRE2 = []string{"(?=", "(?!", "(?<=", "(?<!", "(?>"}

// regexProblem says what is wrong with an expression.
func regexProblem(err error) string {
	text := strings.Replace(err.Error(), "error parsing regexp: ", "", 1)
	if bad := regexp.MustCompile("`(.*)`$").FindStringSubmatch(text); bad != nil && slices.ContainsFunc(notRE2, func(s string) bool { return strings.HasPrefix(bad[1], s) }) {
		return text + "; expressions are RE2's, without looking ahead or back: a route before this one can take what is not meant"
	}
	return text
}
