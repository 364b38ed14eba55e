package nginx

import (
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// group is an upstream block.
type group struct {
	servers []member
	keys    []setting // of the route
}

// member is a server of it.
type member struct {
	address string
	at      draft.Place
	keys    []setting // of [[route.upstream]]
}

type setting struct {
	at    draft.Place
	name  string
	value any
}

// upstream reads an upstream block.
func (t *translation) upstream(d directive) {
	g := &group{}
	for _, one := range d.block {
		switch one.name {
		case "server":
			g.server(t.d, one)
		case "ip_hash", "least_conn":
			g.set(one.at, "balance", one.name)
		case "hash":
			g.hash(t.d, one)
		case "random", "least_time":
			g.set(one.at, "balance", "p2c")
		case "sticky":
			g.sticky(t.d, one)
		default:
			t.none(one)
		}
	}
	t.upstreams[d.arg(0)] = g
}

// set adds a key of the route, once.
func (g *group) set(at draft.Place, name string, value any) {
	for _, k := range g.keys {
		if k.name == name {
			return
		}
	}
	g.keys = append(g.keys, setting{at, name, value})
}

// hashes reports whether a key of the request decides.
func (g *group) hashes() bool {
	return slices.ContainsFunc(g.keys, func(k setting) bool {
		kind, _ := k.value.(string)
		return k.name == "balance" && (kind == "ip_hash" || strings.HasPrefix(kind, "hash:"))
	})
}

func (g *group) server(to *draft.Draft, d directive) {
	m := member{address: d.arg(0), at: d.at}
	for _, word := range d.args[min(1, len(d.args)):] {
		name, value, _ := strings.Cut(word, "=")
		switch n, err := strconv.Atoi(value); {
		case word == "down" || word == "backup":
			m.keys = append(m.keys, setting{d.at, word, true})
		case (name == "weight" || name == "max_conns") && err == nil && n > 0:
			m.keys = append(m.keys, setting{d.at, name, n})
		case word == "max_fails=0":
			g.set(d.at, "max_fails", 0)
		case word == "resolve":
			g.set(d.at, "resolve", true)
		case name == "slow_start":
			if v, ok := seconds(value); ok {
				g.set(d.at, "slow_start", v)
			}
		case name == "max_fails" || name == "fail_timeout":
			to.Missing(d.at, d.String(), "max_fails and eject_time of a [[route]] are for all its upstreams; 5 failures in a row eject one for 30 s")
		default:
			to.Missing(d.at, d.String(), "%s is not known here", name)
		}
	}
	g.servers = append(g.servers, m)
}

func (g *group) hash(to *draft.Draft, d directive) {
	switch name := d.arg(0); {
	case name == "$request_uri" || name == "$uri":
		g.set(d.at, "balance", "hash:uri")
	case name == "$remote_addr" || name == "$binary_remote_addr":
		g.set(d.at, "balance", "ip_hash")
	case strings.HasPrefix(name, "$http_"):
		g.set(d.at, "balance", "hash:field:"+strings.ReplaceAll(strings.TrimPrefix(name, "$http_"), "_", "-"))
	case strings.HasPrefix(name, "$cookie_"):
		g.set(d.at, "balance", "hash:cookie:"+strings.TrimPrefix(name, "$cookie_"))
	default:
		to.Missing(d.at, d.String(), "balance hashes the client, the target, one field or one cookie")
	}
}

func (g *group) sticky(to *draft.Draft, d directive) {
	if d.arg(0) != "cookie" || d.arg(1) == "" {
		to.Missing(d.at, d.String(), "balance = \"sticky\" sets a cookie of its own")
		return
	}
	g.set(d.at, "balance", "sticky")
	g.set(d.at, "sticky_cookie", d.arg(1))
}

// write writes the upstreams of a target into its route.
func (to *destination) write(r *draft.Table, at draft.Place) {
	if to.group == nil {
		r.Set(at, "upstreams", to.addresses)
		return
	}
	plain := true
	for _, m := range to.group.servers {
		plain = plain && len(m.keys) == 0
	}
	if plain {
		r.Set(at, "upstreams", to.addresses)
	}
	for _, k := range to.group.keys {
		if k.name == "slow_start" && to.group.hashes() { // nginx ignores it too
			continue
		}
		r.Set(k.at, k.name, k.value)
	}
	for i, m := range to.group.servers {
		if !plain {
			table := r.Add("[[route.upstream]]")
			table.Set(m.at, "address", to.addresses[i])
			for _, k := range m.keys {
				table.Set(k.at, k.name, k.value)
			}
		}
	}
}
