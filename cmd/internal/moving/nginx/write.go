package nginx

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// sameHost reports whether one host may be in both lists; an empty one has all.
func sameHost(a, b []string) bool {
	return len(a) == 0 || len(b) == 0 || slices.ContainsFunc(a, func(h string) bool { return slices.Contains(b, h) })
}

// yes is 1 where the first alone is true, -1 where the second alone is.
func yes(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// byTail puts the routes that come behind all others there.
func byTail(a, b *place) int {
	if a.tail == 0 || b.tail == 0 {
		return cmp.Compare(a.tail, b.tail)
	}
	return cmp.Compare(b.tail, a.tail)
}

// byPlace is the order in which nginx looks at locations.
func byPlace(a, b *place) int {
	if a.first && b.first {
		return 0 // that of the file
	}
	return cmp.Or(-yes(a.first, b.first), cmp.Compare(a.match.rank(), b.match.rank()), cmp.Compare(len(b.path), len(a.path)), byPattern(a, b), -yes(a.before, b.before), -yes(a.folder, b.folder))
}

// byPattern is the order of patterns: that of the file.
func byPattern(a, b *place) int {
	if !a.match.isRegex() || !b.match.isRegex() {
		return 0
	}
	return cmp.Compare(a.seq, b.seq)
}

// write puts folders and routes into the file: routes in the order that they match in, those of hosts and longer paths first.
func (t *translation) write() {
	if t.servers == 1 { // it answers for all hosts, whatever its names are
		for _, p := range t.places {
			p.hosts = nil
			p.table.Unset("hosts")
		}
	}
	foldersAsRoutes(t)
	for _, p := range t.places {
		if len(p.cond.hosts) > 0 {
			p.hosts = p.cond.hosts
		}
	}
	slices.SortStableFunc(t.places, func(a, b *place) int {
		return cmp.Or(cmp.Compare(min(len(b.hosts), 1), min(len(a.hosts), 1)), byTail(a, b), byPlace(a, b))
	})
	seen := map[string]bool{}
	for _, p := range t.places {
		p.cond.set(p.table)
		key := strings.Join(append([]string{p.path, p.table.Text("path_exact"), p.table.Text("path_regex"), fmt.Sprint(p.cond), p.table.Text("respond")}, p.hosts...), " ")
		if p.static {
			key += " static"
		}
		if p.passes {
			key += " upstreams"
		}
		if seen[key] {
			continue // the same site at another address
		}
		seen[key] = true
		heading := "[[route]]"
		if p.static {
			heading = "[[static]]"
			// Folders come before routes: one that closed its path would hide them.
			hides := slices.ContainsFunc(t.places, func(other *place) bool {
				return !other.static && strings.HasPrefix(other.path, strings.TrimSuffix(p.path, "/")) && sameHost(p.hosts, other.hosts)
			})
			if p.closed && !hides {
				p.table.Set(draft.Place{}, "missing", "404")
			} else {
				p.table.Set(draft.Place{}, "missing", "app")
			}
		}
		t.d.Insert(heading, p.table)
	}
}
