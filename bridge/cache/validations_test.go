package cache

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Two validations of one answer at a time, of which the one that was sent first ends last: it freshens what the other one has made of the
// answer, and does not bring back one that the other one has ended, nor one that HEAD has.
func TestValidationsAtOneTime(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method string      // of the second
		second http.Header // of its response
		want   string      // X-One, X-Two and whether the app had validators
	}{
		"both freshen it":        {"GET", http.Header{"Cache-Control": {"public, max-age=0, must-revalidate"}, "X-Two": {"2"}}, "1 2 true"},
		"the second one ends it": {"GET", http.Header{"Cache-Control": {"private"}}, "  false"},
		"HEAD ends it":           {"HEAD", http.Header{"Cache-Control": {"public, max-age=0, must-revalidate"}, "Etag": {`"b"`}}, "  false"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked, gate := make(chan struct{}), make(chan struct{})
			var validated bool // of the last request
			g := newRig(t, Options{}, StageOptions{}, func(w http.ResponseWriter, r *http.Request) {
				h := w.Header()
				h.Set("Etag", `"a"`)
				switch r.Header.Get("X-Is") {
				case "first":
					close(asked)
					<-gate
					h.Set("X-One", "1")
					w.WriteHeader(http.StatusNotModified)
				case "second":
					for name, values := range c.second {
						h[name] = values
					}
					if r.Method == http.MethodGet {
						w.WriteHeader(http.StatusNotModified)
					}
				default:
					validated = r.Header.Get("If-None-Match") != ""
					h.Set("Cache-Control", "public, max-age=0, must-revalidate")
					if validated {
						w.WriteHeader(http.StatusNotModified)
						return
					}
					h.Set("Content-Length", "4")
					fmt.Fprint(w, "body")
				}
			})
			g.get("/x")
			first := make(chan *reply)
			go func() { first <- g.get("/x", "X-Is: first", "Authorization: Basic eA==") }()
			<-asked
			if r := g.do(c.method, "/x", "X-Is: second"); r.status != 200 || r.err != nil {
				t.Errorf("%+v", r)
			}
			close(gate)
			if r := <-first; r.status != 200 || r.body != "body" || r.header.Get("X-One") != "1" || !strings.Contains(r.cacheStatus(), "fwd-status=304") {
				t.Errorf("%+v", r)
			}
			r := g.get("/x")
			if got := fmt.Sprint(r.header.Get("X-One"), " ", r.header.Get("X-Two"), " ", validated); got != c.want || r.body != "body" {
				t.Errorf("%q, want %q: %+v", got, c.want, r)
			}
		})
	}
}
