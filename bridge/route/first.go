package route

import "net/http"

// First is the stage that gives each request to the first rule that matches, in the rules'
// order, and to next where none does. It fails on a bad mount or host.
func First(rules []Rule) (func(next http.Handler) http.Handler, error) {
	list, err := patterns("route", rules)
	if err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler { return &first{list, next} }, nil
}

type first struct {
	list []target
	next http.Handler
}

func (f *first) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for i := range f.list {
		if f.list[i].Match(r) {
			f.list[i].handler.ServeHTTP(w, r)
			return
		}
	}
	f.next.ServeHTTP(w, r)
}
