package dashboard

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Each answer, whatever it is, has the fields that protect the page.
func TestFieldsOfEachAnswer(t *testing.T) {
	r := newRig(Options{Token: token})
	for _, path := range []string{"/", "/login", "/style.css", "/app.js", "/nothing", "/api/history", "/api/reload"} {
		f := r.do("GET", path, "").Header()
		if got := f.Get("Content-Security-Policy"); got != "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'" {
			t.Errorf("%s: %s", path, got)
		}
		if f.Get("X-Content-Type-Options") != "nosniff" || f.Get("X-Frame-Options") != "DENY" || f.Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%s: %v", path, f)
		}
	}
}

// Without a token all is read, and nothing is changed.
func TestWithoutToken(t *testing.T) {
	r := newRig(Options{Local: true})
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/", 200}, {"GET", "/api/history?app=shop", 200}, {"GET", "/login", 303}, {"POST", "/login", 303},
		{"GET", "/api/dump?worker=shop/1", 403}, {"POST", "/api/reload", 403}, {"POST", "/api/restart", 403}, {"POST", "/api/scale", 403},
		{"GET", "/api/reload", 404}, {"POST", "/api/stop", 404}, {"GET", "/api/status", 404}, {"GET", "/login.html", 404}, {"GET", "/v1/status", 404}, {"GET", "/../doc.go", 404},
	} {
		rec := r.do(c.method, c.path, "{}", own, "Content-Type: application/json")
		if c.path == "/../doc.go" && rec.Code == 307 {
			continue // net/http's cleaning of paths
		}
		if rec.Code != c.status {
			t.Errorf("%s %s: %d %s", c.method, c.path, rec.Code, rec.Body)
		}
	}
	if got := r.questions(); !slices.Equal(got, []string{"GET /v1/history?app=shop"}) {
		t.Errorf("asked: %q", got)
	}
}

// With one, nothing is read and nothing is changed without a login.
func TestWithToken(t *testing.T) {
	r := newRig(Options{Token: token})
	if rec := r.do("GET", "/", ""); rec.Code != 303 || rec.Header().Get("Location") != "login" {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
	for _, path := range []string{"/api/stream", "/api/history", "/api/dump?worker=shop/1"} {
		if rec := r.do("GET", path, ""); rec.Code != 401 || !strings.Contains(rec.Body.String(), `"error":"login"`) {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
	if rec := r.do("POST", "/api/reload", "{}", own, "Content-Type: application/json"); rec.Code != 401 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if got := r.questions(); got != nil {
		t.Errorf("asked: %q", got)
	}
	cookie := r.login(t)
	if rec := r.do("GET", "/", "", cookie); rec.Code != 200 {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	json := "Content-Type: application/json"
	for _, c := range []struct{ path, body, asked string }{
		{"/api/reload", `{}`, `POST /v1/reload {}`},
		{"/api/reload", `{"app":"shop"}`, `POST /v1/reload {"app":"shop"}`},
		{"/api/restart", `{"worker":"shop/1"}`, `POST /v1/restart {"worker":"shop/1"}`},
		{"/api/scale", `{"app":"shop","workers":8}`, `POST /v1/scale {"app":"shop","workers":8}`},
	} {
		rec := r.do("POST", c.path, c.body, cookie, own, json)
		if q := r.questions(); rec.Code != 200 || q[len(q)-1] != c.asked {
			t.Errorf("%s %s: %d, asked %q", c.path, c.body, rec.Code, q)
		}
	}
	before := len(r.questions())
	for name, fields := range map[string][]string{
		"of another origin": {"Origin: http://127.0.0.1:8000", json}, "of another site": {"Sec-Fetch-Site: cross-site", own, json}, "of another port": {"Sec-Fetch-Site: same-site", own, json},
		"that says nothing": {json}, "of no page": {"Origin: null", json}, "that was typed": {"Sec-Fetch-Site: none", own, json}, "as a form": {own, "Content-Type: text/plain"},
	} {
		if rec := r.do("POST", "/api/reload", "{}", append(fields, cookie)...); rec.Code != 403 && rec.Code != 415 {
			t.Errorf("a request %s: %d %s", name, rec.Code, rec.Body)
		}
	}
	for _, body := range []string{`{"network":"0.0.0.0/0"}`, `{"app":1}`, `[`, ``, `{"app":"` + strings.Repeat("x", maxOrder) + `"}`} {
		if rec := r.do("POST", "/api/reload", body, cookie, own, json); rec.Code != 400 {
			t.Errorf("%.40s: %d", body, rec.Code)
		}
	}
	if got := r.questions(); len(got) != before {
		t.Errorf("asked: %q", got[before:])
	}
	if rec := r.do("GET", "/api/dump?worker=shop/1&x=y", "", cookie); rec.Code != 200 || r.questions()[before] != "GET /v1/dump?worker=shop%2F1" {
		t.Errorf("%d %q", rec.Code, r.questions())
	}
}

// A page that has rebound its name to this machine gets nothing; nor do requests that browsers say are of other pages.
func TestOtherPages(t *testing.T) {
	r := newRig(Options{Local: true})
	for host, status := range map[string]int{
		"127.0.0.1:9180": 200, "localhost:9180": 200, "localhost": 200, "LOCALHOST:80": 200, "[::1]:9180": 200, "127.8.8.8": 200, "shop.localhost:1": 200,
		"evil.test": 421, "evil.test:9180": 421, "127.0.0.1.evil.test": 421, "localhost.evil.test:9180": 421, "192.0.2.1:9180": 421, "": 421, "0.0.0.0:9180": 421, "[::ffff:127.0.0.1]": 200,
	} {
		for _, path := range []string{"/api/history", "/", "/app.js"} {
			if rec := r.do("GET", path, "", "Host: "+host); rec.Code != status {
				t.Errorf("%q %s: %d", host, path, rec.Code)
			}
		}
	}
	for site, status := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 200, "none": 200} {
		if rec := r.do("GET", "/api/history", "", "Sec-Fetch-Site: "+site); rec.Code != status {
			t.Errorf("%s: %d", site, rec.Code)
		}
	}
	if rec := newRig(Options{Token: token}).do("GET", "/login", "", "Host: ops.example.org"); rec.Code != 200 {
		t.Errorf("with a token each name is served: %d", rec.Code)
	}
}

// The source's refusals reach the page; a source that is gone is one.
func TestRefusalOfTheSource(t *testing.T) {
	r := newRig(Options{Local: true})
	r.answer = func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "no_such_app", "x") }
	if rec := r.do("GET", "/api/history?app=x", ""); rec.Code != 404 || !strings.Contains(rec.Body.String(), "no_such_app") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	gone := NewRemote(t.TempDir() + "/gone.sock")
	defer gone.Close()
	if a := ask(t.Context(), gone, "GET", "/v1/top", "", nil); a.status != 502 || !strings.Contains(a.body.String(), `"error":"gone"`) {
		t.Errorf("%d %s", a.status, a.body.String())
	}
}

// The files have tags, so that a reload of the page costs little.
func TestAssets(t *testing.T) {
	r := newRig(Options{Local: true})
	for _, a := range assets() {
		rec := r.do("GET", "/"+a.name, "")
		if rec.Code != 200 || rec.Header().Get("Content-Type") == "" || rec.Body.Len() == 0 {
			t.Errorf("%s: %d %v", a.name, rec.Code, rec.Header())
		}
		if again := r.do("GET", "/"+a.name, "", "If-None-Match: "+rec.Header().Get("Etag")); again.Code != 304 || again.Body.Len() > 0 {
			t.Errorf("%s again: %d", a.name, again.Code)
		}
	}
}

func FuzzOrder(f *testing.F) {
	for _, s := range []string{`{}`, `{"app":"shop","workers":3}`, `{"worker":"shop/1"}`, `{"app":null}`, `[]`, "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := readOrder(strings.NewReader(s))
		if err == nil && !strings.Contains(s, "{") && !strings.Contains(s, "null") {
			t.Errorf("%q: %+v", s, o)
		}
	})
}
