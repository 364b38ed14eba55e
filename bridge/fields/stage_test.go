package fields

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/bridge/httpx"
)

func value(t *testing.T, text string) Value {
	t.Helper()
	v, err := ParseValue(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// asWritten are the values of a name in this spelling.
func asWritten(h http.Header, name string) []string { return h[name] }

func TestStage(t *testing.T) {
	t.Parallel()
	rules := []Rule{
		{Changes: []Change{{Op: Remove, Name: "cookie"}, {Op: Set, Name: "SOAPAction", Value: value(t, "{client} {host} {scheme}")}, {Op: Add, Name: "X-MORE", Value: value(t, "2")}}},
		{Response: true, Changes: []Change{{Op: Remove, Name: "X-Powered-By"}, {Op: Set, Name: "X-cAmEl", Value: value(t, "{id}")}, {Op: Add, Name: "Link", Value: value(t, "b")}}},
		{Response: true, Statuses: [][2]int{{400, 499}, {503, 503}}, Changes: []Change{{Op: Set, Name: "X-Error", Value: value(t, `{"a":{"b":1}}`)}}},
	}
	for _, status := range []int{200, 404, 500, 503} {
		next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header["Cookie"] != nil || !slices.Equal(r.Header["X-More"], []string{"1", "2"}) || r.Header.Get("SOAPAction") != "192.0.2.1 a.example http" {
				t.Errorf("request %v", r.Header)
			}
			h := w.Header()
			h["x-powered-by"], h["Link"], h["X-CAMEL"] = []string{"PHP"}, []string{"a"}, []string{"app"}
			if status != 200 { // else the first byte sends the head
				w.WriteHeader(status)
			}
			_, _ = w.Write([]byte("x"))
		})
		rec := httptest.NewRecorder()
		w := &httpx.Writer{}
		w.Reset(rec)
		w.Info.ID, w.Info.RemoteAddr, w.Info.Scheme = "id1", "192.0.2.1", "http"
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = "a.example"
		r.Header["Cookie"], r.Header["X-More"] = []string{"a=b"}, []string{"1"}
		New(rules)(next).ServeHTTP(w, r)
		h := rec.Result().Header
		if !slices.Equal(asWritten(h, "X-cAmEl"), []string{"id1"}) || asWritten(h, "X-CAMEL") != nil || asWritten(h, "x-powered-by") != nil || !slices.Equal(h["Link"], []string{"a", "b"}) {
			t.Errorf("%d: %v", status, h)
		}
		if got, want := h.Get("X-Error"), map[bool]string{true: `{"a":{"b":1}}`}[status == 404 || status == 503]; got != want {
			t.Errorf("%d: X-Error %q, want %q", status, got, want)
		}
	}
	if New(nil) != nil || New([]Rule{{}}) != nil {
		t.Error("a stage without changes")
	}
}

// No part of a request ends a line.
func TestPlaceholders(t *testing.T) {
	t.Parallel()
	v := value(t, "{host}|{client}|{scheme}")
	r := httptest.NewRequest("GET", "/", nil)
	for host, want := range map[string]string{"a:80": "a:80||http", "a\r\nb: c": "||http", "": "||http", "a b": "||http"} {
		r.Host = host
		if got := v.of(r, &httpx.RequestInfo{Scheme: "http", RemoteAddr: "x\r\ny"}); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
	for _, bad := range []string{"{clent}", "a\r\nb", " a", "a\x00"} {
		if _, err := ParseValue(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	for _, good := range []string{"{", "{}", "{ host }", `{"client":1}`, "{Host}", "a\tb", "\u00fc", ""} {
		if v := value(t, good); v.of(r, &httpx.RequestInfo{}) != good {
			t.Errorf("%q is %q", good, v.of(r, &httpx.RequestInfo{}))
		}
	}
}

// Whatever the value is, and whatever the request has, the result is a field's value.
func FuzzValue(f *testing.F) {
	f.Add("{client}-{host}{id}{{scheme}}", "a\r\n", "b\x00")
	f.Fuzz(func(t *testing.T, text, host, client string) {
		v, err := ParseValue(text)
		if err != nil {
			return
		}
		r := &http.Request{Host: host}
		if got := v.of(r, &httpx.RequestInfo{RemoteAddr: client, ID: client, Scheme: client}); !httpx.ValidValue(got) || strings.ContainsAny(got, "\r\n\x00") {
			t.Errorf("%q", got)
		}
	})
}

func TestMayChange(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Transfer-Encoding", "content-length", "Connection", "TE", "a b", "", "Keep-Alive", "upgrade"} {
		if MayChange(name, false) == nil || MayChange(name, true) == nil {
			t.Errorf("%q may be changed", name)
		}
	}
	for _, name := range []string{"Host", "X-Forwarded-For", "X-Request-ID", "X_A"} {
		if MayChange(name, false) == nil {
			t.Errorf("%q may be changed", name)
		}
	}
	if err := MayChange("X-Real-IP", false); err != nil { // where upstreams want it beside X-Forwarded-For
		t.Error(err)
	}
	for _, name := range []string{"X-Request-ID", "Server", "Content-Type", "X_A", "Host"} {
		if err := MayChange(name, true); err != nil {
			t.Error(err)
		}
	}
}
