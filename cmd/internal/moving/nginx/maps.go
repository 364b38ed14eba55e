package nginx

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// variables are those of map and geo, by their names.
type variables struct {
	maps  map[string]*mapped
	order []*mapped
}

// mapped is one map or geo.
type mapped struct {
	d       directive
	source  string // the variable that it looks at
	name    string
	entries []entry // in the order that they are looked for in
	other   string  // the value of all else
	exact   bool    // no two entries hold for one request
	used    bool    // something was made of it
	bad     error   // why it cannot be translated
}

// entry is a line of it.
type entry struct{ key, value string }

// most is how many lines of a map become routes.
const most = 500

// read reads the maps of http.
func (v *variables) read(list []directive) {
	for _, d := range list {
		var m *mapped
		switch {
		case d.name == "map" && len(d.args) == 2:
			m = mapOf(d)
		case d.name == "geo" && len(d.args) > 0:
			m = geoOf(d)
		default:
			continue
		}
		if len(m.entries) > most {
			m.bad = fmt.Errorf("it has more than %d lines", most)
		}
		v.maps[m.name] = m
		v.order = append(v.order, m)
	}
}

func mapOf(d directive) *mapped {
	m := &mapped{d: d, name: strings.Trim(d.arg(1), "${}"), source: strings.Trim(d.arg(0), "${}"), exact: true}
	if !regexp.MustCompile(`^\$\{?\w+\}?$`).MatchString(d.arg(0)) {
		m.bad = fmt.Errorf("it looks at several variables at a time")
	}
	var patterns []entry
	for _, one := range d.block {
		e := entry{one.name, one.arg(0)}
		switch {
		case one.name == "default":
			m.other = e.value
		case (one.name == "hostnames" || one.name == "volatile") && len(one.args) == 0:
		case strings.HasPrefix(one.name, "~"):
			patterns, m.exact = append(patterns, e), false
		default:
			m.entries = append(m.entries, entry{strings.TrimPrefix(e.key, `\`), e.value})
		}
	}
	wild := func(e entry) bool { return strings.HasPrefix(e.key, "*") || strings.HasPrefix(e.key, ".") }
	slices.SortStableFunc(m.entries, func(a, b entry) int { return yes(wild(a), wild(b)) }) // whole names first
	m.entries = append(m.entries, patterns...)
	return m
}

func geoOf(d directive) *mapped {
	m := &mapped{d: d, name: strings.Trim(d.args[len(d.args)-1], "${}"), source: "remote_addr", exact: true}
	if len(d.args) > 1 && strings.Trim(d.arg(0), "${}") != "remote_addr" {
		m.bad = fmt.Errorf("it does not look at the client's address")
	}
	bits := func(e entry) int {
		if p, err := netip.ParsePrefix(e.key); err == nil {
			return p.Bits()
		}
		return 128
	}
	for _, one := range d.block {
		switch one.name {
		case "default":
			m.other = one.arg(0)
		case "ranges", "delete", "proxy", "proxy_recursive":
			m.bad = fmt.Errorf("%s is not known here", one.name)
		default:
			m.entries = append(m.entries, entry{one.name, one.arg(0)})
		}
	}
	slices.SortStableFunc(m.entries, func(a, b entry) int { return cmp.Compare(bits(b), bits(a)) })
	for i, a := range m.entries {
		for _, b := range m.entries[i+1:] {
			p, err := netip.ParsePrefix(a.key)
			q, err2 := netip.ParsePrefix(b.key)
			m.exact = m.exact && !(err == nil && err2 == nil && p.Overlaps(q))
		}
	}
	return m
}

// choices are the conditions of all lines, and the value that each one gives.
func (m *mapped) choices(at draft.Place) (out []choice, err error) {
	if m.bad != nil {
		return nil, m.bad
	}
	for _, e := range m.entries {
		c, err := m.choice(e, at)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func (m *mapped) choice(e entry, at draft.Place) (c choice, err error) {
	t := test{m.source, "=", e.key}
	switch {
	case m.d.name == "geo":
		_, bad := netip.ParsePrefix(e.key)
		if _, alone := netip.ParseAddr(e.key); bad != nil && alone != nil {
			return c, fmt.Errorf("%s is no network", e.key)
		}
		return choice{conditions{at: at, clients: []string{e.key}}, e.value}, nil
	case strings.HasPrefix(e.key, "~*"):
		t.op, t.value = "~*", e.key[2:]
	case strings.HasPrefix(e.key, "~"):
		t.op, t.value = "~", e.key[1:]
	case m.source == "host" || m.source == "http_host":
		if rest, ok := strings.CutPrefix(e.key, "."); ok {
			return choice{conditions{at: at, hosts: []string{rest, "*." + rest}}, e.value}, nil
		}
	}
	cond, not, err := builtin(t)
	if err == nil && not {
		err = fmt.Errorf("a route has no condition for it")
	}
	cond.at = at
	return choice{cond, numbered(e.value, cond.regex)}, err
}

// numbered is a value with the numbers of groups in place of their names.
func numbered(value, regex string) string {
	re, err := regexp.Compile(regex)
	if err != nil || regex == "" {
		return value
	}
	for i, name := range re.SubexpNames() {
		if name != "" {
			value = replaceVariable(value, name, fmt.Sprintf("$%d", i))
		}
	}
	return value
}

// solve says what a test of the variable holds for.
func (m *mapped) solve(t test, at draft.Place) (s solution, err error) {
	holds := func(value string) bool { return value != "" && value != "0" }
	switch op := strings.TrimPrefix(t.op, "!"); op {
	case "":
	case "=":
		holds = func(value string) bool { return value == t.value }
	case "~", "~*":
		re, err := match{op, t.value}.regex()
		if err != nil {
			return s, err
		}
		holds = regexp.MustCompile(re).MatchString
	default:
		return s, fmt.Errorf("%s is not known here", t.op)
	}
	if strings.HasPrefix(t.op, "!") {
		positive := holds
		holds = func(value string) bool { return !positive(value) }
	}
	all, err := m.choices(at)
	if err != nil {
		return s, err
	}
	s.not = holds(m.other)
	for _, c := range all {
		if holds(c.value) != s.not {
			s.any = append(s.any, c)
		}
	}
	if len(s.any) < len(all) && !m.exact {
		return s, fmt.Errorf("lines of its map that say no may come before others")
	}
	s.any = joined(s.any)
	if len(s.any) == 0 {
		return s, fmt.Errorf("it holds for all requests, or for none")
	}
	return s, nil
}

// joined makes one choice of neighbours that have the same value, where a list says both.
func joined(list []choice) (out []choice) {
	for _, c := range list {
		if len(out) > 0 {
			if both, ok := out[len(out)-1].join(c); ok {
				out[len(out)-1] = both
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

func (c choice) join(o choice) (choice, bool) {
	if c.value != o.value {
		return c, false
	}
	only := func(list func(*conditions) *[]string) bool {
		a, b := c.cond, o.cond
		if len(*list(&a)) == 0 || len(*list(&b)) == 0 {
			return false
		}
		all := append(slices.Clone(*list(&a)), *list(&b)...)
		*list(&a), *list(&b) = nil, nil
		if !a.none() || !b.none() {
			return false
		}
		*list(&c.cond) = all
		return true
	}
	ok := only(func(x *conditions) *[]string { return &x.clients }) || only(func(x *conditions) *[]string { return &x.hosts }) ||
		only(func(x *conditions) *[]string { return &x.exact }) || only(func(x *conditions) *[]string { return &x.methods })
	return c, ok
}

// in are the variables of map and geo that a text has.
func (v *variables) in(text string) (out []*mapped) {
	for _, m := range v.order {
		if replaceVariable(text, m.name, "") != text {
			out = append(out, m)
		}
	}
	return out
}

// replaceVariable puts a value in the place of a variable.
func replaceVariable(text, name, value string) string {
	if !strings.Contains(text, "$") {
		return text
	}
	re := regexp.MustCompile(`\$(?:\{` + regexp.QuoteMeta(name) + `\}|` + regexp.QuoteMeta(name) + `\b)`)
	return re.ReplaceAllLiteralString(text, value)
}

// with is a block in which a variable has a value.
func with(list []directive, name, value string) []directive {
	out := slices.Clone(list)
	for i := range out {
		out[i].args = slices.Clone(out[i].args)
		for j, a := range out[i].args {
			out[i].args[j] = replaceVariable(a, name, value)
		}
		out[i].block = with(out[i].block, name, value)
	}
	return out
}
