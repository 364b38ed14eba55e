package route

import (
	"fmt"
	"net/http"
)

// Rule gives a handler its patterns.
type Rule struct {
	// Name is the app's or the route's name, for messages.
	Name string
	// Mount is the path that it answers for: "/shop"; "" and "/": all.
	Mount string
	// Hosts are the names that it answers for; none: all.
	Hosts []string
	// Handler gets the requests. It knows its mount.
	Handler http.Handler
}

// target is a pattern and its handler.
type target struct {
	Pattern
	name    string
	handler http.Handler
}

// patterns lists the rules' patterns in the rules' order; kind is for messages.
func patterns(kind string, rules []Rule) ([]target, error) {
	var list []target
	for _, rule := range rules {
		hosts := rule.Hosts
		if len(hosts) == 0 {
			hosts = []string{""}
		}
		for _, host := range hosts {
			p, err := NewPattern(rule.Mount, host)
			if err != nil {
				return nil, fmt.Errorf("%s %q: %w", kind, rule.Name, err)
			}
			list = append(list, target{p, rule.Name, rule.Handler})
		}
	}
	return list, nil
}

// verdict is what Match says of a request, and why.
func (t *target) verdict(r *http.Request) Verdict {
	v := Verdict{Name: t.name, Wants: "mount " + t.Mount + "/"}
	if t.Host != "" {
		v.Wants += ", host " + t.Host
	}
	switch {
	case !Under(r.URL.Path, t.Mount):
		v.Fails = "mount " + t.Mount + "/"
	case !t.host(CanonicalHost(r.Host)):
		v.Fails = "host " + t.Host
	}
	return v
}
