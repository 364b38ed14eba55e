package nginx

import (
	"slices"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// conditions are what a [[route]] demands beside the path of its location. The zero value demands nothing.
type conditions struct {
	at                      draft.Place
	methods, hosts, clients []string
	listen                  []string
	fields, query           []draft.Pair
	exact                   []string
	regex, scheme           string
}

func (c *conditions) none() bool {
	return len(c.methods)+len(c.hosts)+len(c.clients)+len(c.listen)+len(c.fields)+len(c.query)+len(c.exact) == 0 && c.regex == "" && c.scheme == ""
}

// and demands both. Not ok: no route can say that.
func (c conditions) and(o conditions) (both conditions, ok bool) {
	both = c
	if o.none() {
		return both, true
	}
	both.at = o.at
	for _, one := range []struct {
		to   *[]string
		from []string
	}{{&both.methods, o.methods}, {&both.hosts, o.hosts}, {&both.clients, o.clients}, {&both.listen, o.listen}, {&both.exact, o.exact}} {
		switch {
		case len(one.from) == 0:
		case len(*one.to) == 0:
			*one.to = one.from
		default:
			common := slices.DeleteFunc(slices.Clone(*one.to), func(v string) bool { return !slices.Contains(one.from, v) })
			if len(common) == 0 || len(common) < min(len(one.from), len(*one.to)) { // of networks and *.names there may be more
				return both, false
			}
			*one.to = common
		}
	}
	if c.regex != "" && o.regex != "" || c.scheme != "" && o.scheme != "" && c.scheme != o.scheme {
		return both, false
	}
	if o.regex != "" {
		both.regex = o.regex
	}
	if o.scheme != "" {
		both.scheme = o.scheme
	}
	for _, one := range []struct {
		to   *[]draft.Pair
		from []draft.Pair
	}{{&both.fields, o.fields}, {&both.query, o.query}} {
		list := slices.Clone(*one.to)
		for _, p := range one.from {
			if slices.ContainsFunc(list, func(q draft.Pair) bool { return q.Name == p.Name && q.Value != p.Value }) {
				return both, false
			}
			if !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
		*one.to = list
	}
	return both, true
}

// set puts the conditions into a route. Not ok: the route has one of them already.
func (c *conditions) set(r *draft.Table) (ok bool) {
	if c.regex != "" && r.Has("path_regex") || len(c.exact) > 0 && r.Has("path_exact") {
		return false
	}
	for key, list := range map[string][]string{"methods": c.methods, "hosts": c.hosts, "clients": c.clients, "listen": c.listen, "path_exact": c.exact} {
		if len(list) > 0 {
			r.Set(c.at, key, list)
		}
	}
	for key, pairs := range map[string][]draft.Pair{"match_fields": c.fields, "match_query": c.query} {
		if len(pairs) > 0 {
			r.Set(c.at, key, pairs)
		}
	}
	if c.regex != "" {
		r.Set(c.at, "path_regex", []string{c.regex})
	}
	if (c.regex != "" || len(c.exact) > 0) && r.Is("path", "/") {
		r.Unset("path")
	}
	if c.scheme != "" {
		r.Set(c.at, "scheme", c.scheme)
	}
	return true
}
