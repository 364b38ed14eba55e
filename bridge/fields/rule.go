package fields

import (
	"net/http"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Op is what happens to a field.
type Op uint8

const (
	// Remove takes all fields of the name out.
	Remove Op = iota
	// Set puts one field in the place of all of the name.
	Set
	// Add puts a field behind those of the name.
	Add
)

// Change is what happens to the fields of one name, in whatever case.
type Change struct {
	Op    Op
	Name  string // in the spelling in which it goes out
	Value Value  // not of Remove
}

// Rule are changes that are made together.
type Rule struct {
	// Response: of responses; else of requests.
	Response bool
	// Statuses are ranges, the ends among them, of the responses that are changed; none: all.
	Statuses [][2]int
	// Changes are made in this order.
	Changes []Change
}

// concerns reports whether responses with the status are changed.
func (u *Rule) concerns(status int) bool {
	for _, s := range u.Statuses {
		if status >= s[0] && status <= s[1] {
			return true
		}
	}
	return len(u.Statuses) == 0
}

// apply changes h.
func (u *Rule) apply(h http.Header, r *http.Request, n *httpx.RequestInfo) {
	for i := range u.Changes {
		c := &u.Changes[i]
		key := requestKey(c.Name)
		if u.Response {
			key = responseKey(c.Name)
		}
		switch c.Op {
		case Remove:
			remove(h, c.Name)
			if key == "Content-Type" && u.Response {
				h[key] = nil // no type is invented
			}
		case Set:
			value := c.Value.of(r, n)
			remove(h, c.Name)
			h[key] = []string{value}
		case Add:
			value := c.Value.of(r, n)
			if had := find(h, c.Name); had != "" {
				key = had
			}
			h[key] = append(h[key][:len(h[key]):len(h[key])], value) // the list may be shared by responses
		}
	}
}

// remove takes the fields of a name out.
func remove(h http.Header, name string) {
	for key := range h {
		if len(key) == len(name) && strings.EqualFold(key, name) {
			delete(h, key)
		}
	}
}

// find is the key of a name in h; empty: there is none.
func find(h http.Header, name string) string {
	for key := range h {
		if len(key) == len(name) && strings.EqualFold(key, name) {
			return key
		}
	}
	return ""
}
