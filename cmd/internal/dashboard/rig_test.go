package dashboard

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"
)

const token = "0123456789abcdef"

// rig is a Handler with a Source that notes what it is asked.
type rig struct {
	h   *Handler
	log bytes.Buffer

	mu     sync.Mutex
	asked  []string
	answer func(w http.ResponseWriter, r *http.Request)
}

func newRig(o Options) *rig {
	r := &rig{}
	o.Source = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var b bytes.Buffer
		_, _ = b.ReadFrom(req.Body)
		r.mu.Lock()
		r.asked = append(r.asked, strings.TrimSpace(req.Method+" "+req.URL.RequestURI()+" "+b.String()))
		answer := r.answer
		r.mu.Unlock()
		if answer != nil {
			answer(w, req)
			return
		}
		fmt.Fprint(w, `{"some":"figures"}`)
	})
	o.Log = hclog.New(&hclog.LoggerOptions{Output: &r.log, Level: hclog.Debug})
	r.h = NewHandler(o)
	return r
}

func (r *rig) questions() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.asked...)
}

// fields are those of a request: "Name: value"; Host is one of them.
func (r *rig) do(method, target, body string, fields ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	req.Host, req.RemoteAddr = "127.0.0.1:9180", "127.0.0.1:4000"
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		switch name {
		case "Host":
			req.Host = value
		case "From":
			req.RemoteAddr = value
		default:
			req.Header.Add(name, value)
		}
	}
	rec := httptest.NewRecorder()
	r.h.ServeHTTP(rec, req)
	return rec
}

const own = "Origin: http://127.0.0.1:9180"

// login sends the token, and returns the field Cookie of what follows.
func (r *rig) login(t *testing.T) string {
	t.Helper()
	rec := r.try(token)
	c := rec.Result().Cookies()
	if rec.Code != http.StatusSeeOther || len(c) != 1 {
		t.Fatalf("login: %d %v", rec.Code, rec.Header())
	}
	return "Cookie: " + c[0].Name + "=" + c[0].Value
}

func (r *rig) try(token string, fields ...string) *httptest.ResponseRecorder {
	return r.do("POST", "/login", url.Values{"token": {token}}.Encode(), append([]string{own, "Content-Type: application/x-www-form-urlencoded"}, fields...)...)
}
