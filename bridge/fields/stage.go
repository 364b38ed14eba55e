package fields

import (
	"net/http"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// New is the stage that applies rules, in their order; nil: there are none.
func New(rules []Rule) func(next http.Handler) http.Handler {
	s := stage{}
	for _, u := range rules {
		if len(u.Changes) == 0 {
			continue
		}
		if u.Response {
			s.response = append(s.response, u)
		} else {
			s.request = append(s.request, u)
		}
	}
	if len(s.request)+len(s.response) == 0 {
		return nil
	}
	return func(next http.Handler) http.Handler {
		one := s
		one.next = next
		return &one
	}
}

type stage struct {
	request, response []Rule
	next              http.Handler
}

func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := writerOf(w)
	if len(s.request) > 0 && r.Header == nil {
		r.Header = make(http.Header)
	}
	for i := range s.request {
		s.request[i].apply(r.Header, r, &rec.Info)
	}
	if len(s.response) > 0 {
		httpx.BeforeHead(rec, func(status int, h http.Header) {
			for i := range s.response {
				if u := &s.response[i]; u.concerns(status) {
					u.apply(h, r, &rec.Info)
				}
			}
		})
	}
	s.next.ServeHTTP(rec, r)
}
