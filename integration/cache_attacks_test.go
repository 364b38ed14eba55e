package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// storable starts an upstream whose answers may be stored for ten minutes; its body is name and the request's head.
func storable(t testing.TB, name string) *recorder {
	return recording(t, func(head string, c net.Conn, _ *bufio.Reader) {
		body := name + "\n" + head
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: max-age=600\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", len(body))
		if !strings.HasPrefix(head, "HEAD ") {
			io.WriteString(c, body)
		}
	})
}

// Several routes and apps may answer for one URL, by other conditions of theirs. What one of them has stored is not an answer of another,
// and all of it goes with the URL.
func TestCacheAttack_RoutesOfOneURL(t *testing.T) {
	t.Parallel()
	staff, all := storable(t, "of the staff"), storable(t, "of all")
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": countedApp, "standpipe.toml": fmt.Sprintf(`[[route]]
path = "/page"
match_fields = { X-Staff = "1" }
upstreams = [%q]
cache = "on"
[[route]]
path = "/page"
methods = ["GET"]
match_query = { v = "2" }
upstreams = [%q]
cache = "on"
[[app]]
name = "own"
module = "app:app"
workers = 1
cache = "on"
`, staff.URL, all.URL)}), Args: []string{"-c", "standpipe.toml"}})
	for range 2 { // the second time each has a hit of its own
		for _, c := range []struct{ path, field, want string }{
			{"/page", "X-Staff: 1", "of the staff\n"}, {"/page", "X-Other: 1", "1 /page\n"}, {"/page?v=2", "X-Staff: 1", "of the staff\n"}, {"/page?v=2", "X-Other: 1", "of all\n"},
		} {
			if r := s.want(200, c.path, c.field); !strings.HasPrefix(r.Body, c.want) {
				t.Errorf("%s with %s: %q, %s", c.path, c.field, r.Body, r.cacheStatus())
			}
		}
	}
	for _, field := range []string{"X-Staff: 1", "X-Other: 1"} {
		if r := s.want(200, "/page", field); !r.cachedHit() {
			t.Errorf("%s: %v", field, r.Header)
		}
	}
	s.post("/page", "text/plain", "x") // of the app; the URL is the same
	for _, field := range []string{"X-Staff: 1", "X-Other: 1"} {
		if r := s.want(200, "/page", field); r.cachedHit() {
			t.Errorf("%s, after a POST: %v", field, r.Header)
		}
	}
}

// A rule that ignores cookies is one for its own statuses, and the first rule counts: another answer of the same path, which says
// nothing, stays the visitor's own.
func TestCacheAttack_RulesThatIgnoreCookies(t *testing.T) {
	t.Parallel()
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": `def app(environ, start_response):
    path = environ["PATH_INFO"]
    fields = [("Content-Type", "text/plain")]
    if "old" in path:
        fields.append(("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"))
    start_response("404 Not Found" if "missing" in path else "200 OK", fields)
    return [("for " + environ.get("HTTP_COOKIE", "anybody")).encode()]
`, "standpipe.toml": `[[app]]
name = "own"
module = "app:app"
workers = 1
cache = "on"
[[app.cache_rules]]
path = "/first/account"
ttl = "10m"
[[app.cache_rules]]
path = "/first/**"
ttl = "10m"
cookies = "ignore"
[[app.cache_rules]]
path = "/status/**"
status = [404]
ttl = "10m"
cookies = "ignore"
[[app.cache_rules]]
path = "/status/new/**"
ttl = "10m"
`}), Args: []string{"-c", "standpipe.toml"}})
	for _, c := range []struct {
		path   string
		status int
		shared bool
	}{
		{"/first/account", 200, false}, {"/first/page", 200, true},
		{"/status/missing", 404, true}, {"/status/old", 200, false}, {"/status/new/page", 200, false},
	} {
		s.want(c.status, c.path, "Cookie: session=ann")
		bob, none := s.want(c.status, c.path, "Cookie: session=bob"), s.want(c.status, c.path)
		if c.shared {
			if !bob.cachedHit() || !none.cachedHit() || none.Body != "for session=ann" {
				t.Errorf("%s is the same for all: %v %v", c.path, bob.Header, none.Header)
			}
			continue
		}
		if bob.Body != "for session=bob" || none.Body != "for anybody" {
			t.Errorf("%s: bob got %q, and a client without cookies %q", c.path, bob.Body, none.Body)
		}
		if bob = s.want(c.status, c.path, "Cookie: session=bob"); bob.Body != "for session=bob" {
			t.Errorf("%s: bob got %q, made for a client without cookies", c.path, bob.Body)
		}
	}
}

// An app that gives its errors a lifetime, too, refuses what an odd request wants. The next client gets the page.
func TestCacheAttack_RefusalsOfOneRequest(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": `def app(environ, start_response):
    odd = environ.get("HTTP_X_ODD") or ("406" if "odd" in environ.get("HTTP_ACCEPT", "") else "415" if environ.get("CONTENT_TYPE") else "")
    start_response(f"{odd} Refused" if odd else "200 OK", [("Cache-Control", "public, max-age=600")])
    return [odd.encode() or b"page"]
`}), Args: []string{"-w", "1", "--cache"}})
	for i, field := range []string{"Accept: odd/type", "Content-Type: text/odd", "X-Odd: 413", "X-Odd: 417", "X-Odd: 421", "X-Odd: 429", "X-Odd: 431"} {
		path := fmt.Sprintf("/%d", i)
		if r := s.get(path, field); r.Status < 400 {
			t.Errorf("%s: %d", field, r.Status)
		}
		if r := s.want(200, path); r.Body != "page" {
			t.Errorf("after %s: %q %s", field, r.Body, r.cacheStatus())
		}
	}
}

// A URL may come in several spellings, which may get different answers. A change at one of them, a redirect to it, and a purge of it end
// what is stored for each; parameters that are ignored make no difference.
func TestCacheAttack_SpellingsOfOneURL(t *testing.T) {
	t.Parallel()
	s := cachedServer(t, "cache_purge_from = [\"127.0.0.0/8\"]\n")
	ask := func(method, path string, fields ...string) string {
		return s.raw(method + " " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n")
	}
	for _, c := range []struct {
		name      string
		spellings []string
		end       func()
	}{
		{"POST", []string{"/caf%c3%a9|1", "/caf%C3%A9|1", "/caf%c3%a9%7C1"}, func() { ask("POST", "/caf%C3%A9%7c1") }},
		{"a redirect", []string{"/b{1}?x=%2f", "/b%7b1%7D?x=%2F"}, func() { ask("POST", "/other?status=303", "X-To: /c/../b{1}?x=%2F&utm_source=a") }},
		{"PURGE", []string{"/c\"<>", "/c%22%3c%3E"}, func() { ask("PURGE", "/c%22%3C%3E?utm_source=mail") }},
		{"the command", []string{"/d?q=%c3%a9", "/d?q=%C3%A9", "/d?q=%C3%A9&gclid=1"}, func() { s.must("purge", "/d?q=é&fbclid=2") }},
	} {
		for _, path := range c.spellings {
			ask("GET", path)
			if got := ask("GET", path); !strings.Contains(got, "; hit") {
				t.Fatalf("%s, %s is not stored:\n%s", c.name, path, got)
			}
		}
		c.end()
		for _, path := range c.spellings[:2] { // the third is stored again by one of these, where they are one
			if got := ask("GET", path); strings.Contains(got, "; hit") {
				t.Errorf("after %s, %s is still stored:\n%s", c.name, path, got)
			}
		}
	}
}

// Fields that Connection names end at the connection, so that an upstream answers without them. Its answer is none for the clients that have
// these fields in earnest.
func TestCacheAttack_FieldsOfTheConnection(t *testing.T) {
	t.Parallel()
	up := recording(t, func(head string, c net.Conn, _ *bufio.Reader) {
		body := "in the default language"
		if strings.Contains(head, "Accept-Language: de") {
			body = "in German"
		}
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nVary: Accept-Language\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
	})
	s := start(t, opts{Dir: project(t, map[string]string{"standpipe.toml": fmt.Sprintf("[[route]]\npath = \"/\"\nupstreams = [%q]\ncache = \"on\"\n", up.URL)}), Args: []string{"-c", "standpipe.toml"}, Apps: -1})
	ask := func(fields ...string) string {
		return s.raw("GET /page HTTP/1.1\r\nHost: a\r\n" + strings.Join(append(fields, ""), "\r\n") + "\r\n")
	}
	for range 2 {
		if got := ask("Accept-Language: de", "Connection: close, accept-LANGUAGE"); !strings.Contains(got, "in the default language") || strings.Contains(got, "stored") {
			t.Errorf("the field is named by Connection:\n%s", got)
		}
	}
	for _, want := range []string{"fwd=uri-miss; stored", "hit"} {
		if got := ask("Accept-Language: de", "Connection: close, TE", "TE: trailers"); !strings.Contains(got, "in German") || !strings.Contains(got, want) {
			t.Errorf("want %s:\n%s", want, got)
		}
	}
}

// Parsers of cookies differ. In whatever way an app reads the field, cookies of one client change nothing for another one, although their names
// are ignored, or part of the key.
func TestCacheAttack_OddCookies(t *testing.T) {
	t.Parallel()
	s := start(t, opts{Dir: project(t, map[string]string{"app.py": `from http.cookies import SimpleCookie
import re
def app(environ, start_response):
    sent = environ.get("HTTP_COOKIE", "")
    simple = {k: m.value for k, m in SimpleCookie(sent).items()}
    other = {k.strip(): v or w for k, v, w in re.findall(r'([^=;]+)=\s*(?:"([^"]*)"|([^;]*))\s*;?', sent)}
    fields = [("Vary", "Cookie"), ("Cache-Control", "max-age=600")] if "/vary" in environ["PATH_INFO"] else [("Cache-Control", "max-age=600")] if "/said" in environ["PATH_INFO"] else []
    start_response("200 OK", fields)
    return [" ".join(str(c.get(k)) for c in (simple, other) for k in ("currency", "session")).encode()]
`, "standpipe.toml": `[[app]]
name = "shop"
module = "app:app"
workers = 1
cache = "on"
cache_cookies = ["currency"]
cache_ignore_cookies = ["_ga*"]
[[app.cache_rules]]
path = "/silent/*"
ttl = "10m"
`}), Args: []string{"-c", "standpipe.toml"}})
	victims := []string{"X-None: 1", "Cookie: _ga=2", "Cookie: currency=EUR"}
	wants := []string{"None None None None", "None None None None", "EUR None EUR None"}
	for _, kind := range []string{"/said", "/silent", "/vary"} {
		for i, attack := range []string{"currency =USD", "_ga=1 session=evil", "_ga=1 currency=USD", `_ga="1; currency=EUR; _gb="`, ";currency=EUR;", "path=/; currency=EUR", "_ga=1\xa0; session=evil", "currency"} {
			for j, victim := range victims {
				path := fmt.Sprintf("%s/%d-%d", kind, i, j)
				s.want(200, path, "Cookie: "+attack)
				if r := s.want(200, path, victim); r.Body != wants[j] {
					t.Errorf("%s after %q, with %s: %q, %s", path, attack, victim, r.Body, r.cacheStatus())
				}
			}
		}
	}
	s.want(200, "/said/plain", "Cookie: _ga=1; currency=EUR")
	if r := s.want(200, "/said/plain", "Cookie: currency=EUR; _gat=3"); !r.cachedHit() || r.Body != "EUR None EUR None" {
		t.Errorf("%q %s", r.Body, r.cacheStatus())
	}
}

// An app lets all its answers be stored, the 401 too. Its clients can log in all the same, whatever they send for that.
func TestCacheAttack_Challenge(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": `
def app(environ, start_response):
    known = any("HTTP_" + k in environ for k in ("AUTHORIZATION", "API_KEY", "X_CONSUMER_ID"))
    start_response("200 OK" if known else "401 Unauthorized", [("Cache-Control", "max-age=600"), ("WWW-Authenticate", "Basic")])
    return [b"welcome" if known else b"who are you?"]
`}), Args: []string{"-w", "1", "--cache"}})
	for range 2 {
		s.want(401, "/")
		for _, field := range []string{"Authorization: Basic YTpi", "Api-Key: 1", "X-Consumer-Id: 1"} {
			if r := s.want(200, "/", field); r.Body != "welcome" || strings.Contains(r.cacheStatus(), "stored") {
				t.Errorf("%s: %q, %s", field, r.Body, r.cacheStatus())
			}
		}
	}
	if r := s.want(401, "/"); !r.cachedHit() {
		t.Errorf("%s", r.cacheStatus())
	}
}
