package disk

import (
	"hash/maphash"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/cache"
)

// query is a Purge that is compared with what the index knows.
type query struct {
	*cache.Purge
	rest  cache.Purge // the Purge without its Apps
	apps  []uint64    // their hashes
	group uint64
}

func newQuery(seed maphash.Seed, p *cache.Purge) *query {
	q := &query{Purge: p, rest: *p, group: hash(seed, p.Group)}
	q.rest.Apps = nil
	for _, a := range p.Apps {
		q.apps = append(q.apps, hash(seed, a))
	}
	return q
}

// fits reports whether q may mean an entry, and whether that is certain: else its file says it. Files
// that were not read yet are compared when they are.
func (q *query) fits(e *entry) (may, certain bool) {
	if e.flags&flagRead == 0 {
		may = q.All && !q.Soft && len(q.apps) == 0
		return may, may
	}
	if len(q.apps) > 0 && !slices.Contains(q.apps, e.hash(0)) {
		return false, false
	}
	if q.All {
		return true, true
	}
	if q.Group != "" && !e.hasGroup(q.group) {
		return e.flags&flagGroups != 0, false
	}
	if e.flags&flagLongURL == 0 {
		return q.rest.Matches("", e.urlText(), []string{q.Group}), true
	}
	// The beginning of the URL, and that of its path.
	url := e.urlText()
	path := pathOf(url)
	switch {
	case q.URL != "":
		return strings.HasPrefix(q.URL, url) || q.URL[0] == '/' && strings.HasPrefix(q.URL, path), false
	case q.Prefix != "":
		return overlap(q.Prefix, url) || q.Prefix[0] == '/' && overlap(q.Prefix, path), false
	}
	return overlap(q.Origin, url), false
}

// overlap reports whether one is the beginning of the other.
func overlap(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

// pathOf is the path of the beginning of a URL; empty: it has none of it.
func pathOf(url string) string {
	if _, rest, ok := strings.Cut(url, "://"); ok {
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			return rest[i:]
		}
	}
	return ""
}
