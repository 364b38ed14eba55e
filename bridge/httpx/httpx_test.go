package httpx

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestIDsSortByTimeAndAreValid(t *testing.T) {
	now := time.Now()
	a, b := NewID(now), NewID(now.Add(time.Millisecond))
	if a >= b || len(a) != 26 || !ValidID(a) {
		t.Fatalf("%q, %q", a, b)
	}
	if NewID(now) == a {
		t.Fatal("two ids of one millisecond are equal")
	}
	for s, want := range map[string]bool{"a": true, "A.b_c-9": true, "": false, "a b": false, "a\n": false, "é": false,
		strings.Repeat("x", 128): true, strings.Repeat("x", 129): false} {
		if ValidID(s) != want {
			t.Errorf("ValidID(%q) = %v", s, !want)
		}
	}
}

func TestWriterNotesTheFinalStatus(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := new(Writer)
		rec.Reset(w)
		rec.WriteHeader(http.StatusEarlyHints)
		if rec.Status() != 0 {
			t.Errorf("103 taken as final")
		}
		rec.WriteHeader(http.StatusNotFound)
		n, err := rec.ReadFrom(strings.NewReader("gone"))
		if n != 4 || err != nil || rec.Status() != 404 || rec.Bytes() != 4 {
			t.Errorf("n=%d err=%v status=%d bytes=%d", n, err, rec.Status(), rec.Bytes())
		}
		if err := http.NewResponseController(rec).SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Errorf("deadline through Unwrap: %v", err)
		}
		rec.Info.ID = "x"
		if Of(struct{ http.ResponseWriter }{rec}).ID == "x" {
			t.Error("found through a wrapper without Unwrap")
		}
		if Of(unwrapper{rec}).ID != "x" {
			t.Error("not found through a wrapper with Unwrap")
		}
	}))
	defer srv.Close()
	res, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 404 {
		t.Fatal(res.Status)
	}
}

type unwrapper struct{ http.ResponseWriter }

func (u unwrapper) Unwrap() http.ResponseWriter { return u.ResponseWriter }

func TestPages(t *testing.T) {
	file := filepath.Join(t.TempDir(), "busy.json")
	if err := os.WriteFile(file, []byte(`{"id":"{{request_id}}","s":{{status}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	custom, err := LoadPages(map[int]string{503: file})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LoadPages(map[int]string{200: file}); err == nil {
		t.Error("a page for 200 was taken")
	}
	for _, c := range []struct {
		pages      *Pages
		accept     string
		status     int
		retry      time.Duration
		wantType   string
		wantInBody string
	}{
		{nil, "", 404, 0, "text/html; charset=utf-8", "404"},
		{nil, "*/*", 404, 0, "text/html; charset=utf-8", "REQ1"},
		{nil, "application/json", 500, 0, "application/json", `"request_id":"REQ1"`},
		{nil, "text/html;q=0.5, application/problem+json", 500, 0, "application/json", `"status":500`},
		{nil, "text/html, application/json", 500, 0, "text/html; charset=utf-8", "<h1>500"},
		{nil, "", 503, 1500 * time.Millisecond, "text/html; charset=utf-8", " 2 "},
		{custom, "", 503, time.Second, "application/json", `{"id":"REQ1","s":503}`},
		{custom, "", 502, 0, "text/html; charset=utf-8", "502"},
	} {
		rw := httptest.NewRecorder()
		rec := new(Writer)
		rec.Reset(rw)
		rec.Info.ID = "REQ1"
		r := httptest.NewRequest("GET", "/", nil)
		if c.accept != "" {
			r.Header.Set("Accept", c.accept)
		}
		c.pages.Write(rec, r, c.status, "", c.retry)
		body := rw.Body.String()
		if rw.Code != c.status || rw.Header().Get("Content-Type") != c.wantType || !strings.Contains(body, c.wantInBody) {
			t.Errorf("%+v: %d %v\n%s", c, rw.Code, rw.Header(), body)
		}
		if c.wantType == "application/json" && !json.Valid([]byte(body)) {
			t.Errorf("not JSON: %s", body)
		}
		if (c.retry > 0) != (rw.Header().Get("Retry-After") != "") {
			t.Errorf("Retry-After: %v", rw.Header())
		}
	}
}

func TestLogLimiter(t *testing.T) {
	s := LogLimiter{Every: time.Hour, Max: 2}
	now := time.Now()
	got := []bool{s.Allow("a", now), s.Allow("a", now), s.Allow("b", now), s.Allow("c", now),
		s.Allow("a", now.Add(time.Hour)), s.Allow("c", now.Add(time.Hour+time.Second))}
	want := []bool{true, false, true, false, true, true}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}

// A default goes out unless the handler sets the field, or drops it.
func TestDefaults(t *testing.T) {
	for name, c := range map[string]struct {
		handle func(rec *Writer)
		want   http.Header
	}{
		"nothing is set": {func(rec *Writer) {}, http.Header{"Server": {"ours"}, "X-Request-Id": {"1"}}},
		"one is set":     {func(rec *Writer) { rec.Header().Set("Server", "mine") }, http.Header{"Server": {"mine"}, "X-Request-Id": {"1"}}},
		"one is dropped": {func(rec *Writer) { rec.Defaults.Drop("x-request-ID") }, http.Header{"Server": {"ours"}}},
		"an informational head": {func(rec *Writer) {
			rec.WriteHeader(http.StatusEarlyHints)
			if len(rec.Header()) != 0 {
				t.Errorf("%v with 103", rec.Header())
			}
		}, http.Header{"Server": {"ours"}, "X-Request-Id": {"1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			out := finalHead{http.Header{}}
			rec := new(Writer)
			rec.Reset(out)
			rec.Defaults.Add("Server", "ours")
			rec.Defaults.Add("X-Request-Id", "1")
			c.handle(rec)
			rec.WriteHeader(200)
			if !reflect.DeepEqual(out.Header(), c.want) {
				t.Errorf("%v, want %v", out.Header(), c.want)
			}
		})
	}
}

// finalHead is a ResponseWriter of which the fields can be read.
type finalHead struct{ fields http.Header }

func (w finalHead) Header() http.Header         { return w.fields }
func (w finalHead) Write(p []byte) (int, error) { return len(p), nil }
func (w finalHead) WriteHeader(int)             {}
