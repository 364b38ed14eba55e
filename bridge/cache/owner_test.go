package cache

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Two apps, or two routes of one place with other conditions, share no answer although the URL is the same; a purge of the URL is of all of
// them.
func TestOwners(t *testing.T) {
	t.Parallel()
	c := New(Options{Memory: 1 << 20, MaxObject: 1 << 20, Wait: time.Second})
	defer c.Close()
	calls := 0
	stage := func(o StageOptions) http.Handler {
		return c.Stage(o)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls++
			w.Header().Set("Cache-Control", "max-age=60")
			_, _ = io.WriteString(w, o.App+o.Conditions)
		}))
	}
	all := []StageOptions{{App: "shop"}, {App: "blog"}, {App: "route /", Route: true}, {App: "route /#2", Route: true, Conditions: ", clients 10.0.0.0/8"}}
	ask := func(want int) {
		t.Helper()
		for _, o := range all {
			w := httptest.NewRecorder()
			rec := new(httpx.Writer)
			rec.Reset(w)
			rec.Info.Scheme = "http"
			stage(o).ServeHTTP(rec, httptest.NewRequest("GET", "http://example.org/a", nil))
			if w.Body.String() != o.App+o.Conditions {
				t.Errorf("%s got the answer of %s", o.App, w.Body)
			}
		}
		if calls != want {
			t.Errorf("%d calls, want %d", calls, want)
		}
	}
	ask(4)
	ask(4)
	if n, err := c.Purge(t.Context(), Purge{URL: "http://example.org/a"}); n != 4 || err != nil {
		t.Error(n, err)
	}
	ask(8)
	all[3].Conditions = ", clients 192.0.2.0/24" // another route at the same place
	ask(9)
	for _, s := range c.Stats() {
		if s.Entries == 0 {
			t.Error(fmt.Sprint(s))
		}
	}
}
