package answer

import (
	"net/http/httptest"
	"testing"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/target"
)

func TestFixed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		o                  FixedOptions
		method, body, kind string
		length             string
	}{
		{FixedOptions{Status: 200, Body: []byte("ok"), Type: "text/plain"}, "GET", "ok", "text/plain", "2"},
		{FixedOptions{Status: 200, Body: []byte("ok"), Type: "text/plain"}, "HEAD", "", "text/plain", "2"},
		{FixedOptions{Status: 200}, "GET", "", "", "0"},
		{FixedOptions{Status: 204}, "GET", "", "", ""},
		{FixedOptions{Status: 410, Body: []byte{}, Type: "text/html"}, "GET", "", "text/html", "0"},
	} {
		rec := httptest.NewRecorder()
		NewFixed(c.o).ServeHTTP(rec, httptest.NewRequest(c.method, "/", nil))
		if rec.Code != c.o.Status || rec.Body.String() != c.body || rec.Header().Get("Content-Length") != c.length || rec.Header().Get("Content-Type") != c.kind {
			t.Errorf("%+v: %d %q %v", c.o, rec.Code, rec.Body, rec.Header())
		}
	}
	rec := httptest.NewRecorder()
	NewFixed(FixedOptions{Status: 403}).ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	if rec.Code != 403 || rec.Header().Get("Cache-Control") != "no-store" || rec.Body.Len() == 0 {
		t.Errorf("%d %v", rec.Code, rec.Header())
	}
	w := &httpx.Writer{}
	w.Reset(httptest.NewRecorder())
	NewFixed(FixedOptions{Status: NoAnswer}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if !w.Aborted() || w.Info.Status != 444 || w.Status() != 0 {
		t.Errorf("%+v", w.Info)
	}
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	to, err := target.ParseURL("https://{host}{path}?{query}")
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{"a.example": "https://a.example/before/x?q", "": ""} {
		rec := httptest.NewRecorder()
		w := &httpx.Writer{}
		w.Reset(rec)
		w.Info.Prefix = "/before"
		r := httptest.NewRequest("GET", "/x?q", nil)
		r.Host = host
		NewRedirect(RedirectOptions{To: to, Status: 308}).ServeHTTP(w, r)
		if status := map[bool]int{true: 308, false: 400}[want != ""]; rec.Code != status || rec.Header().Get("Location") != want {
			t.Errorf("%s: %d %q", host, rec.Code, rec.Header().Get("Location"))
		}
	}
}
