package integration

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
)

// environDifference is what an app's environ has otherwise behind nginx and standpipe than behind nginx and uWSGI.
type environDifference struct {
	name        string // a trailing * stands for any end
	uwsgi, ours string // "-": not there; "*": anything
	reason      string
}

var environDifferences = []environDifference{
	{"standpipe.*", "-", "*", "what standpipe tells an app: the request's id, its deadline"},
	{"GATEWAY_INTERFACE", "-", "CGI/1.1", "PEP 3333 lets a server add CGI's variables; gunicorn and Apache have it"},
	{"SERVER_SOFTWARE", "-", "*", "likewise"},
	{"RAW_URI", "-", "*", "REQUEST_URI by the name that gunicorn gives it"},
	{"HTTP_X_REQUEST_ID", "-", "*", "each request has an id; one that a trusted server in front hands on stays"},
	{"SCRIPT_NAME", "-", "", "PEP 3333 allows it to be left out; apps that read it without a default break then"},
	{"CONTENT_TYPE", "", "-", "empty means absent (PEP 3333); Django and Flask read both alike"},
	{"CONTENT_LENGTH", "", "-", "likewise"},
	{"HTTP_CONTENT_LENGTH", "*", "-", "CONTENT_LENGTH says it; a second voice is a way to smuggle (RFC 3875 4.1.18 lets a server leave it out)"},
	{"HTTP_CONTENT_TYPE", "*", "-", "CONTENT_TYPE says it"},
	{"HTTP_TRANSFER_ENCODING", "chunked", "-", "the body comes decoded, with its length: an app that believed this would decode it again"},
	{"HTTP_CONNECTION", "*", "-", "it speaks about the client's connection, which ends at nginx (RFC 9110 7.6.1)"},
	{"HTTP_TE", "*", "-", "likewise"},
	{"HTTP_UPGRADE", "*", "-", "likewise"},
	{"HTTP_EXPECT", "*", "-", "it has been answered"},
	{"HTTP_PROXY", "*", "-", "libraries take it for the proxy of their own requests (httpoxy)"},
	{"HTTP_X_TWICE", "2", "1, 2", "a field that comes twice has both values (RFC 9110 5.3); uWSGI has the last"},
	{"HTTP_X_FORWARDED_FOR", "*", "-", "the client's own claim, handed on by nginx; REMOTE_ADDR is no trusted proxy here"},
	{"HTTP_X_FORWARDED_PROTO", "*", "-", "likewise"},
	{"wsgi.url_scheme", "https", "http", "uWSGI believes any client's X-Forwarded-Proto"},
	{"REMOTE_PORT", "*", "*", "another connection"},
	{"uwsgi.*", "*", "-", "uWSGI's own"},
	{"PATH", "*", "-", "an environ is no environment: a uwsgi_param PATH is not handed on"},
	{"UWSGI_*", "*", "-", "they steer uWSGI; some make it load code"},
}

func (d environDifference) covers(name, uwsgi, ours string) bool {
	prefix, any := strings.CutSuffix(d.name, "*")
	is := func(want, got string) bool { return want == got || want == "*" && got != "-" }
	return (name == d.name || any && strings.HasPrefix(name, prefix)) && is(d.uwsgi, uwsgi) && is(d.ours, ours)
}

// The same app behind nginx and uWSGI, and behind nginx and standpipe: its environ is the same but for the list above,
// all of which occurs.
func TestEnvironBehindNginx(t *testing.T) {
	t.Parallel()
	program(t, "nginx")
	_, tcp, _ := uwsgiBoth(t)
	s := speaksUwsgi(t, opts{Args: []string{"-w", "1", "--trusted-proxies", "192.0.2.1"}}) // the unix socket is trusted, the client is not
	_, unix := s.uwsgiAddresses()
	listen := "127.0.0.1:" + freePort(t)
	requests := func(f *server) []map[string]string {
		var list []map[string]string
		for _, req := range []struct {
			method, target, body string
			chunked              bool
			headers              []string
		}{
			{"GET", "/env", "", false, nil},
			{"GET", "/env?a=b&c=%20+", "", false, []string{"X-Twice: 1", "X-Twice: 2", "Cookie: a=1; b=2", "Accept-Language: de", "X-Request-Id: theirs"}},
			{"POST", "/env", "a=b", false, []string{"Content-Type: application/x-www-form-urlencoded"}},
			{"POST", "/env", "a=b", true, []string{"Content-Type: text/plain", "TE: trailers", "Expect: 100-continue"}},
			{"GET", "/env", "", false, []string{"X-Forwarded-For: 203.0.113.1", "X-Forwarded-Proto: https", "Forwarded: for=203.0.113.1", "Proxy: evil", "Connection: upgrade", "Upgrade: websocket"}},
		} {
			var body io.Reader
			if req.body != "" {
				body = strings.NewReader(req.body)
			}
			if req.chunked {
				body = io.MultiReader(body)
			}
			r := f.do(f.request(req.method, req.target, body, req.headers...))
			m := map[string]string{}
			if err := json.Unmarshal([]byte(r.Body), &m); err != nil {
				t.Fatalf("%d %.200q: %v", r.Status, r.Body, err)
			}
			list = append(list, m)
		}
		return list
	}
	via := func(connect string) []map[string]string {
		site := exported(t, "nginx", "--listen", listen, "--connect", connect)
		site = strings.Replace(site, "        uwsgi_param SERVER_NAME", "        uwsgi_param SSL_CLIENT_S_DN CN=me;\n        uwsgi_param PATH /nowhere;\n        uwsgi_param UWSGI_CACHE_GET none;\n        uwsgi_param SERVER_NAME", 1)
		n := nginx(t, listen, inServer(site, "    root /nowhere;"))
		defer n.end(15)
		return requests(&server{t: t, over: http1, Addr: listen, URL: "http://" + listen})
	}
	theirs, ours := via("uwsgi://"+tcp), via("uwsgi+unix:"+unix)
	met := make([]bool, len(environDifferences))
	for i := range theirs {
		var names []string
		for name := range theirs[i] {
			names = append(names, name)
		}
		for name := range ours[i] {
			if _, both := theirs[i][name]; !both {
				names = append(names, name)
			}
		}
		for _, name := range names {
			value := func(m map[string]string) string {
				if v, ok := m[name]; ok {
					return v
				}
				return "-"
			}
			a, b := value(theirs[i]), value(ours[i])
			at := slices.IndexFunc(environDifferences, func(d environDifference) bool { return d.covers(name, a, b) })
			switch {
			case at >= 0:
				met[at] = true
			case a != b:
				t.Errorf("request %d: %s is %q behind uWSGI and %q behind standpipe", i, name, a, b)
			}
		}
	}
	for i, d := range environDifferences {
		if !met[i] {
			t.Errorf("%s does not differ any more", d.name)
		}
		if d.reason == "" {
			t.Errorf("%s: no reason", d.name)
		}
	}
	if ours[1]["SSL_CLIENT_S_DN"] != "CN=me" || ours[1]["REQUEST_URI"] != "/env?a=b&c=%20+" {
		t.Errorf("%v", ours[1])
	}
}
