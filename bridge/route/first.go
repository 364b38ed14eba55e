package route

import (
	"fmt"
	"net/http"
)

// First hands each request to the first rule that takes it, in the rules' order, and
// what none takes to the rest. It does not change once made.
type First struct {
	places []placed
	rest   http.Handler
}

// NewFirst makes a First. It fails on a bad mount or host.
func NewFirst(rules []Rule, rest http.Handler) (*First, error) {
	f := &First{rest: rest}
	for _, rule := range rules {
		hosts := rule.Hosts
		if len(hosts) == 0 {
			hosts = []string{""}
		}
		for _, host := range hosts {
			p, err := NewPlace(rule.Mount, host)
			if err != nil {
				return nil, fmt.Errorf("route %q: %w", rule.Name, err)
			}
			f.places = append(f.places, placed{p, rule.Name, rule.Handler})
		}
	}
	return f, nil
}

func (f *First) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for i := range f.places {
		if ok, _ := f.places[i].Match(r); ok { // a Place can always say
			f.places[i].handler.ServeHTTP(w, r)
			return
		}
	}
	f.rest.ServeHTTP(w, r)
}
