package integration

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// devFails fails in a view, in a template, after the head, and as its environment says at import.
const devFails = `from flask import Flask, Response, render_template

app = Flask(__name__)


@app.get("/")
def index():
    return "<!doctype html><html><body>well</body></html>"


@app.route("/fail", methods=["GET", "POST"])
def fail():
    password = "geheim"
    amount = [1, 2]
    return str(amount[7])


@app.get("/template")
def template():
    return render_template("page.html", items=[1, 0])


@app.get("/late")
def late():
    def body():
        yield b"x" * 100000
        raise ValueError("too late")
    return Response(body())
`

func devFailing(t *testing.T) string {
	return project(t, map[string]string{"app.py": devFails, "templates/page.html": "<ul>\n{% for i in items %}\n<li>{{ 1 / i }}</li>\n{% endfor %}\n</ul>\n"})
}

// asBrowser asks as a browser does when a person opens a page.
func asBrowser(t *testing.T, s *server, path string, fields ...string) *response {
	t.Helper()
	return s.get(path, append([]string{"Accept: text/html,application/xhtml+xml,*/*;q=0.8"}, fields...)...)
}

// The page of an error has the app's frames, the variables and no secret; programs get JSON or text; other hosts get nothing of it.
func TestDevErrorPages(t *testing.T) {
	t.Parallel()
	s := startDev(t, opts{Dir: devFailing(t), App: "app:app", Python: python(t)})
	page := asBrowser(t, s, "/fail?token=geheim", "Cookie: session=geheim", "Authorization: Basic Z2VoZWltOmE=")
	if page.Status != 500 || strings.Contains(strings.ReplaceAll(page.Body, `&#34;geheim&#34;`, ""), "geheim") || !strings.Contains(page.Body, "IndexError") || !strings.Contains(page.Body, "[1, 2]") || !strings.Contains(page.Body, "app.py:15") {
		t.Errorf("%d %s", page.Status, page.Body)
	}
	if csp := page.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%q", page.Header)
	}
	if page := asBrowser(t, s, "/template"); !strings.Contains(page.Body, "templates/page.html:3") || !strings.Contains(page.Body, "ZeroDivisionError") {
		t.Errorf("a template: %s", page.Body)
	}
	var said struct {
		Status  int
		Error   string
		At      string
		Message string
	}
	if r := s.get("/fail", "Accept: application/json"); json.Unmarshal([]byte(r.Body), &said) != nil || said.Error != "IndexError" || !strings.HasPrefix(said.At, "app.py:15") || said.Status != 500 {
		t.Errorf("JSON: %+v", r)
	}
	if r := s.get("/fail"); !strings.HasPrefix(r.Body, "IndexError: list index out of range\n") || strings.Contains(r.Body, "<") && strings.Contains(r.Body, "<html") {
		t.Errorf("text: %+v", r)
	}
	if r := s.do(s.request("HEAD", "/fail", nil)); r.Status != 500 || r.Body != "" {
		t.Errorf("HEAD: %+v", r)
	}
	for _, field := range []string{"Host: evil.example", "Origin: https://evil.example"} {
		if r := asBrowser(t, s, "/fail", field); r.Status != 500 || strings.Contains(r.Body, "IndexError") || strings.Contains(r.Body, "app.py") {
			t.Errorf("%s: %s", field, r.Body)
		}
		if r := asBrowser(t, s, "/-/dev/events", field); r.Status != http.StatusForbidden {
			t.Errorf("%s: events answer %d", field, r.Status)
		}
	}
}

// With a token, a browser sees details once it has sent it.
func TestDevTokenOpensErrorPages(t *testing.T) {
	t.Parallel()
	const token = "a-token-of-this-test"
	s := startDev(t, opts{Dir: devFailing(t), App: "app:app", Python: python(t), Env: []string{"STANDPIPE_DEV_TOKEN=" + token}})
	if r := asBrowser(t, s, "/fail"); strings.Contains(r.Body, "IndexError") || r.Status != 500 {
		t.Errorf("without a cookie: %s", r.Body)
	}
	r := asBrowser(t, s, "/fail?dev_token="+token)
	cookie, _, _ := strings.Cut(r.Header.Get("Set-Cookie"), ";")
	if r.Status != http.StatusSeeOther || r.Header.Get("Location") != "/fail" || cookie == "" {
		t.Fatalf("%d %q", r.Status, r.Header)
	}
	if r := asBrowser(t, s, "/fail", "Cookie: "+cookie); !strings.Contains(r.Body, "IndexError") {
		t.Errorf("with the cookie: %s", r.Body)
	}
	if r := asBrowser(t, s, "/fail?dev_token=another"); r.Status != http.StatusForbidden {
		t.Errorf("another token: %d", r.Status)
	}
	for _, line := range s.access() {
		if strings.Contains(line, token) {
			t.Errorf("the access log has the token: %s", line)
		}
	}
}

// Outside of the development mode there is no page, no detail and no path of it.
func TestNoErrorPagesInProduction(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--reload"}} {
		s := start(t, opts{Dir: devFailing(t), App: "app:app", Python: python(t), Args: args})
		if r := asBrowser(t, s, "/fail"); r.Status != 500 || strings.Contains(r.Body, "IndexError") || strings.Contains(r.Body, "app.py") {
			t.Errorf("%q: %s", args, r.Body)
		}
		if r := asBrowser(t, s, "/-/dev/live.js"); r.Status != 404 {
			t.Errorf("%q: live.js answers %d", args, r.Status)
		}
		if r := asBrowser(t, s, "/"); r.Body != "<!doctype html><html><body>well</body></html>" {
			t.Errorf("%q: %s", args, r.Body)
		}
		if r := asBrowser(t, s, "/?dev_token=0123456789abcdef"); r.Status != 200 || r.Header.Get("Set-Cookie") != "" {
			t.Errorf("%q: a token is taken: %+v", args, r)
		}
	}
}
