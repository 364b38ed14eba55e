package fields

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
)

func TestOrigins(t *testing.T) {
	t.Parallel()
	c := cors{o: CORSOptions{Origins: []string{"https://a.example", "https://*.b.example", "http://*.c.example:8080", "null"}}}
	for origin, want := range map[string]bool{
		"https://a.example": true, "http://a.example": false, "https://a.example:444": false, "https://x.a.example": false, "https://a.example.evil": false,
		"https://x.b.example": true, "https://x.y.b.example": true, "https://b.example": false, "https://.b.example": false, "https://xb.example": false, "https://evil/.b.example": false,
		"https://evil:1.b.example": false, "http://x.c.example:8080": true, "http://x.c.example": false, "null": true, "": false,
	} {
		if got := c.allowed(origin); got != want {
			t.Errorf("%q: %v", origin, got)
		}
	}
	for _, bad := range []string{"a.example", "https://a.example/", "https://A.example", "https://a.example:443", "http://a:80", "https://*", "https://a.*.example", "https://u@a", "https://a?", ""} {
		if ParseOrigin(bad) == nil {
			t.Errorf("%q is an origin", bad)
		}
	}
	for _, good := range []string{"*", "null", "https://a.example", "http://localhost:3000", "https://*.a.example", "capacitor://localhost"} {
		if err := ParseOrigin(good); err != nil {
			t.Error(err)
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	asked := 0
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		h := w.Header()
		h["Vary"], h["access-control-allow-origin"] = []string{"Accept, origin"}, []string{"*"}
		if r.URL.Path == "/plain" {
			h["Vary"] = []string{"Accept"}
		}
		w.WriteHeader(http.StatusOK)
	})
	ask := func(o CORSOptions, method, path string, couples ...string) http.Header {
		rec := httptest.NewRecorder()
		r := httptest.NewRequest(method, path, nil)
		for c := range slices.Chunk(couples, 2) {
			r.Header.Set(c[0], c[1])
		}
		CORS(o)(next).ServeHTTP(rec, r)
		return rec.Result().Header
	}
	some := CORSOptions{Origins: []string{"https://a.example"}, Methods: []string{"GET", "PUT"}, Headers: []string{"*"}, Expose: []string{"X-A"}, Credentials: true, MaxAge: time.Minute}
	all := CORSOptions{Origins: []string{"*"}, Methods: []string{"GET"}, Headers: []string{"X-A"}}
	h := ask(some, "GET", "/plain", "Origin", "https://a.example")
	if h.Get("Access-Control-Allow-Origin") != "https://a.example" || h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Access-Control-Expose-Headers") != "X-A" ||
		!slices.Equal(h["Vary"], []string{"Accept", "Origin"}) || asWritten(h, "access-control-allow-origin") != nil {
		t.Errorf("%v", h)
	}
	for _, origin := range []string{"https://b.example", ""} { // caches must not mix them
		if h = ask(some, "GET", "/", "Origin", origin); h.Get("Access-Control-Allow-Origin") != "" || asWritten(h, "access-control-allow-origin") != nil || !slices.Equal(h["Vary"], []string{"Accept, origin"}) {
			t.Errorf("%q: %v", origin, h)
		}
	}
	if h = ask(all, "GET", "/plain", "Origin", "https://b.example"); h.Get("Access-Control-Allow-Origin") != "*" || !slices.Equal(h["Vary"], []string{"Accept"}) {
		t.Errorf("%v", h)
	}
	asked = 0
	h = ask(some, "OPTIONS", "/", "Origin", "https://a.example", "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "x-b,x-c")
	if h.Get("Access-Control-Allow-Methods") != "GET, PUT" || h.Get("Access-Control-Allow-Headers") != "x-b,x-c" || h.Get("Access-Control-Max-Age") != "60" || h.Get("Access-Control-Expose-Headers") != "" {
		t.Errorf("%v", h)
	}
	if h = ask(some, "OPTIONS", "/", "Origin", "https://b.example", "Access-Control-Request-Method", "PUT"); len(h) != 1 || h.Get("Vary") != "Origin" {
		t.Errorf("%v", h)
	}
	if h = ask(all, "OPTIONS", "/", "Origin", "https://b.example", "Access-Control-Request-Method", "PUT"); h.Get("Access-Control-Allow-Headers") != "X-A" || h["Vary"] != nil {
		t.Errorf("%v", h)
	}
	if asked != 0 {
		t.Error("a preflight request reached the handler")
	}
	if ask(some, "OPTIONS", "/", "Origin", "https://a.example"); asked != 1 {
		t.Error("an OPTIONS that is no preflight request did not")
	}
	if CORS(CORSOptions{}) != nil {
		t.Error("a stage without origins")
	}
}

func TestSecurity(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ set, frame, policy string }{
		{"", "SAMEORIGIN", "frame-ancestors 'self'"},
		{"x-frame-options", "", ""},
		{"Content-Security-Policy", "SAMEORIGIN", "own"},
		{"content-security-policy", "", "Frame-Ancestors 'none'"},
	} {
		rec := httptest.NewRecorder()
		Security(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c.set != "" {
				w.Header()[c.set] = []string{c.policy}
			}
			w.Header()["referrer-policy"] = []string{"own"}
			_, _ = w.Write(nil)
		})).ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
		h := rec.Result().Header
		policy := h.Get("Content-Security-Policy")
		if c.set == "content-security-policy" {
			policy = h[c.set][0]
		}
		if h.Get("X-Frame-Options") != c.frame || policy != c.policy || h.Get("X-Content-Type-Options") != "nosniff" || h["Referrer-Policy"] != nil || h.Get("Permissions-Policy") == "" {
			t.Errorf("%+v: %v", c, h)
		}
	}
}
