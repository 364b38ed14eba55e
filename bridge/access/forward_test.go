package access

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/bridgetest"
)

func (r *rig) forward(t *testing.T, timeout time.Duration, h http.HandlerFunc) {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	r.forwardTo(t, s.URL, timeout)
}

func (r *rig) forwardTo(t *testing.T, url string, timeout time.Duration) {
	f := NewForward(ForwardOptions{URL: url + "/verify?a=b", Fields: []string{"Remote-User", "Remote-Groups"}, Timeout: timeout})
	t.Cleanup(f.Close)
	r.o.Tables = []*Table{{Name: "/", Forward: f}}
}

// The service gets what it needs, and nothing that the client has made up; what it says is in the request.
func TestForward(t *testing.T) {
	t.Parallel()
	r := newRig()
	var asked *http.Request
	r.forward(t, 10*time.Second, func(w http.ResponseWriter, q *http.Request) {
		asked = q
		w.Header().Set("Remote-User", "joe")
		w.Header().Set("Other", "x")
		w.WriteHeader(http.StatusNoContent)
	})
	w := r.ask("192.0.2.1", func(q *http.Request) {
		q.Method, q.Host, q.URL.Path, q.URL.RawQuery = "POST", "shop.example.org", "/admin/x", "q=1"
		q.Body, q.ContentLength = io.NopCloser(strings.NewReader("body")), 4
		q.Header = http.Header{"Cookie": {"a=b"}, "X-Forwarded-Uri": {"/harmless"}, "X-Forwarded-For": {"10.0.0.1"}, "X-Forwarded-Other": {"x"}, "Forwarded": {"for=10.0.0.1"}, "Range": {"bytes=0-1"},
			"Connection": {"Upgrade, X-Hop"}, "Upgrade": {"websocket"}, "X-Hop": {"x"}, "Content-Type": {"text/plain"},
			"Remote-User": {"root"}, "Remote_user": {"root"}, "REMOTE-USER": {"root"}, "Remote-Groups": {"wheel"}, "Remote_Groups": {"wheel"}}
	})
	if w.Code != 200 || r.seen == nil {
		t.Fatalf("status %d", w.Code)
	}
	for name, want := range map[string]string{
		"Cookie": "a=b", "X-Forwarded-Method": "POST", "X-Forwarded-Host": "shop.example.org", "X-Forwarded-Uri": "/admin/x?q=1", "X-Forwarded-For": "192.0.2.1", "X-Request-Id": "id",
		"X-Forwarded-Other": "", "Forwarded": "", "Range": "", "Upgrade": "", "X-Hop": "", "Content-Type": "", "Remote-User": "", "Remote_user": "", "User-Agent": "",
	} {
		if got := strings.Join(asked.Header[name], "|"); got != want {
			t.Errorf("the service got %s: %q, want %q", name, got, want)
		}
	}
	if asked.Method != "GET" || asked.RequestURI != "/verify?a=b" || asked.ContentLength != 0 {
		t.Errorf("the service got %s %s", asked.Method, asked.RequestURI)
	}
	for name, values := range r.seen.Header {
		if n := strings.ToLower(name); strings.HasPrefix(n, "remote") && (name != "Remote-User" || strings.Join(values, "|") != "joe") || n == "other" {
			t.Errorf("the app got %s: %v", name, values)
		}
	}
	if r.seen.Header.Get("Remote-User") != "joe" {
		t.Error("the app did not get the user")
	}
}

// What is not 2xx never passes.
func TestForwardRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   int
		body   string
	}{
		"401": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "log in", http.StatusUnauthorized)
		}, 401, "log in\n"},
		"403": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }, 403, "no\n"},
		"302": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Set-Cookie", "a=b")
			w.Header().Set("Location", "https://login.example.org/")
			w.WriteHeader(http.StatusFound)
		}, 302, ""},
		"500": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "broken", http.StatusInternalServerError) }, 503, ""},
		"404": {http.NotFound, 503, ""},
		"large": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(401)
			_, _ = w.Write(make([]byte, maxAnswer+1))
		}, 503, ""},
		"cut":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 503, ""},
		"slow": {func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() }, 503, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig()
			timeout := 10 * time.Second
			if name == "slow" {
				timeout = 50 * time.Millisecond
			}
			r.forward(t, timeout, c.answer)
			w := r.ask("192.0.2.1")
			if w.Code != c.want || r.seen != nil || c.body != "" && w.Body.String() != c.body {
				t.Errorf("status %d %s", w.Code, w.Body)
			}
			h := w.Header()
			if name == "302" && (h.Get("Location") == "" || h.Get("Set-Cookie") != "a=b") || name == "401" && h.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("fields %v", h)
			}
			if failed := r.count("forward_auth_failed") > 0; failed != (c.want == 503) {
				t.Errorf("a record of a failure: %v", failed)
			}
		})
	}
	r := newRig()
	r.forwardTo(t, "http://"+bridgetest.Refusing(t), 10*time.Second)
	if w := r.ask("192.0.2.1"); w.Code != 503 {
		t.Errorf("no service: %d", w.Code)
	}
	r.o.Tables[0].Any = true // nothing else says yes
	if w := r.ask("192.0.2.1"); w.Code != 503 {
		t.Errorf("any: %d", w.Code)
	}
}
