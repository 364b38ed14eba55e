package integration

import (
	"fmt"
	"strings"
	"testing"
)

// forwardedApp answers what the app sees of its client; name tells apps apart.
func forwardedApp(name string) string {
	return fmt.Sprintf(`def app(environ, start_response):
    names = ["REMOTE_ADDR", "wsgi.url_scheme", "HTTP_HOST", "SERVER_PORT", "SCRIPT_NAME", "standpipe.request_id"]
    names += sorted(n for n in environ if n.startswith(("HTTP_X_FORWARDED_", "HTTP_FORWARDED", "HTTP_X_REAL", "HTTP_X_CLIENT", "HTTP_CF_", "HTTP_TRUE_", "HTTP_X_SCHEME", "HTTP_FRONT_END")))
    body = (%q + "\n" + "".join("%%s=%%s\n" %% (n, environ[n]) for n in names)).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`, name)
}

// claims are what a client may say of itself that a stock proxy passes on. The port is none that a test gets.
var claims = []string{"X-Forwarded-Host: admin.internal", "X-Forwarded-Port: 64433", "X-Forwarded-Prefix: /evil", "X-Request-ID: evil-id", "Forwarded: for=6.6.6.6;proto=https;host=admin.internal",
	"X-Real-IP: 6.6.6.6", "X-Client-IP: 6.6.6.6", "CF-Connecting-IP: 6.6.6.6", "True-Client-IP: 6.6.6.6", "X-Forwarded-Ssl: on", "X-Forwarded-Scheme: https", "X-Scheme: https", "Front-End-Https: on", "X-Forwarded-Protocol: ssl"}

// twoHosts serves a site and an admin's app that is for another host.
func twoHosts(t testing.TB, o opts, args ...string) *server {
	t.Helper()
	o.Dir = project(t, map[string]string{"site/app.py": forwardedApp("site"), "admin/app.py": forwardedApp("admin")})
	o.Args = append([]string{"--app", "name=site,module=app:app,dir=site,workers=1", "--app", "name=admin,module=app:app,dir=admin,workers=1,hosts=admin.internal"}, args...)
	return start(t, o)
}

// A client behind an nginx that has no line but proxy_pass, or Debian's own proxy_params or uwsgi_params, chooses nothing
// that nginx did not write.
func TestFault_C0_StockNginxClientChoosesNothing(t *testing.T) {
	t.Parallel()
	s := twoHosts(t, opts{Listen: []string{"127.0.0.1:0", "uwsgi://127.0.0.1:0"}})
	uwsgiAddr, _ := s.uwsgiAddresses()
	for _, c := range []struct{ name, location, addr, host string }{
		{"proxy_pass alone", "proxy_pass http://" + s.Addr + ";", "127.0.0.1", s.Addr},
		{"the usual lines", "proxy_pass http://" + s.Addr + "; proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;", "127.0.0.1", "shop.example"},
		{"uwsgi_pass", "uwsgi_pass " + uwsgiAddr + "; uwsgi_param REQUEST_METHOD $request_method; uwsgi_param PATH_INFO $document_uri; uwsgi_param QUERY_STRING $query_string; uwsgi_param SERVER_PORT $server_port; uwsgi_param SERVER_NAME $server_name; uwsgi_param REMOTE_ADDR 203.0.113.7;",
			"203.0.113.7", "shop.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			listen := "127.0.0.1:" + freePort(t)
			n := nginx(t, listen, "server { listen "+listen+"; location / { "+c.location+" } }\n")
			f := s.with(t).through(n)
			sent := append([]string{"Host: shop.example"}, claims...)
			for _, fields := range append([][]string{sent}, each(claims)...) {
				r := f.want(200, "/", append([]string{"Host: shop.example"}, fields...)...)
				seen := strings.Split(r.Body, "\n")
				for i, want := range []string{"site", "REMOTE_ADDR=" + c.addr, "wsgi.url_scheme=http", "HTTP_HOST=" + c.host} {
					if seen[i] != want {
						t.Errorf("%q: %s, want %s", fields, seen[i], want)
					}
				}
				for _, claim := range []string{"admin", "6.6.6.6", "64433", "evil", "https", "=on", "ssl"} {
					if strings.Contains(r.Body, claim) || strings.Contains(r.Header.Get("X-Request-Id"), claim) {
						t.Errorf("%q: the client's own %q arrived:\n%s", fields, claim, r.Body)
					}
				}
			}
		})
	}
	if r := s.waitLog(func(r record) bool {
		return r.event() == "forwarded_ignored" && strings.Contains(r.str("fields"), "X-Forwarded-Host")
	}, "forwarded_ignored"); !r.names("--trusted-fields") {
		t.Errorf("%v", r)
	}
}

func each(list []string) (out [][]string) {
	for _, s := range list {
		out = append(out, []string{s})
	}
	return out
}

// What a proxy is known to write counts by name, in both families.
func TestFault_C0_TrustedFieldsByName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fields string
		send   []string
		want   []string // lines of the answer
		not    []string
	}{
		{"for,proto,host", []string{"X-Forwarded-Host: admin.internal", "X-Forwarded-Port: 64433"}, []string{"admin", "HTTP_HOST=admin.internal", "HTTP_X_FORWARDED_HOST=admin.internal"}, []string{"64433"}},
		{"for,proto,port", []string{"X-Forwarded-Port: 64433", "X-Forwarded-Host: admin.internal"}, []string{"site", "SERVER_PORT=64433"}, []string{"admin"}},
		{"for,proto,prefix", []string{"X-Forwarded-Prefix: /shop/"}, []string{"SCRIPT_NAME=/shop"}, nil},
		{"for,proto,id", []string{"X-Request-ID: theirs"}, []string{"standpipe.request_id=theirs"}, nil},
		{"proto,X-Real-IP", []string{"X-Real-IP: 203.0.113.9", "X-Forwarded-For: 6.6.6.6"}, []string{"REMOTE_ADDR=203.0.113.9"}, []string{"6.6.6.6"}},
		{"for,X-Forwarded-Ssl", []string{"X-Forwarded-Ssl: on", "X-Forwarded-Proto: http"}, []string{"wsgi.url_scheme=https"}, nil},
		{"for,proto,forwarded", []string{"Forwarded: for=203.0.113.9;proto=https;host=admin.internal", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Host: admin.internal"},
			[]string{"site", "REMOTE_ADDR=203.0.113.9", "wsgi.url_scheme=https"}, []string{"6.6.6.6", "admin"}},
		{"for,proto,host,forwarded", []string{"Forwarded: for=203.0.113.9;host=admin.internal"}, []string{"admin", "HTTP_HOST=admin.internal"}, nil},
		{"proto", []string{"X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https"}, []string{"REMOTE_ADDR=127.0.0.1", "wsgi.url_scheme=https"}, []string{"6.6.6.6"}},
		// Of what is not named that stays which says the same.
		{"for,proto", []string{"Host: shop.example", "X-Forwarded-Host: shop.example", "X-Forwarded-Proto: https", "X-Forwarded-Port: 443"}, []string{"HTTP_X_FORWARDED_HOST=shop.example", "HTTP_X_FORWARDED_PORT=443"}, nil},
	} {
		t.Run(c.fields, func(t *testing.T) {
			t.Parallel()
			s := twoHosts(t, opts{}, "--trusted-fields", c.fields)
			body := s.want(200, "/", c.send...).Body
			for _, want := range c.want {
				if !strings.Contains("\n"+body, "\n"+want+"\n") {
					t.Errorf("no %q in\n%s", want, body)
				}
			}
			for _, not := range c.not {
				if strings.Contains(body, not) {
					t.Errorf("%q is in\n%s", not, body)
				}
			}
		})
	}
	dir := project(t, map[string]string{"app.py": hello("x")})
	for _, bad := range []string{"hosts", "forwarded", "X-Forwarded-User"} {
		if r := run(t, dir, nil, "check", "app:app", "--trusted-fields", bad); r.code != 2 || !strings.Contains(r.errout, "--trusted-fields") {
			t.Errorf("%s: %d %s", bad, r.code, r.errout)
		}
	}
}

// The exported files write the fields that count and clear all others, so that nothing of a client's arrives and nothing
// has to be removed.
func TestFault_C0_ExportedFilesWriteAndClear(t *testing.T) {
	t.Parallel()
	for _, fields := range []string{"for,proto", "for,proto,host,port,id,X-Real-IP"} {
		s := twoHosts(t, opts{Listen: []string{"127.0.0.1:0", "uwsgi://127.0.0.1:0"}}, "--trusted-fields", fields)
		uwsgiAddr, _ := s.uwsgiAddresses()
		for kind, run := range map[string]func(testing.TB, string, string) *neighbour{"nginx": nginx, "apache": apache} {
			for _, connect := range []string{s.Addr, "uwsgi://" + uwsgiAddr} {
				if kind == "apache" && strings.Contains(fields, "id") {
					continue // Apache makes no id without a further module
				}
				t.Run(fields+" "+kind+" "+connect[:4], func(t *testing.T) {
					listen := "127.0.0.1:" + freePort(t)
					f := s.with(t).through(run(t, listen, exported(t, kind, "--listen", listen, "--connect", connect, "--trusted-fields", fields)))
					r := f.want(200, "/", append([]string{"X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: gopher"}, claims...)...)
					for _, claim := range []string{"admin", "64433", "evil", "=on", "ssl", "HTTP_FORWARDED", "https"} {
						if strings.Contains(r.Body, claim) || strings.Contains(r.Header.Get("X-Request-Id"), claim) {
							t.Errorf("the client's own %q arrived:\n%s", claim, r.Body)
						}
					}
					if !strings.HasPrefix(r.Body, "site\n") || connect == s.Addr && !strings.Contains(r.Body, "HTTP_HOST="+listen+"\n") {
						t.Errorf("%s", r.Body)
					}
				})
			}
		}
		for _, r := range s.events("forwarded_ignored") {
			t.Errorf("%s: %v", fields, r)
		}
	}
}

// The exported files write or clear what counts by any spelling of trusted_fields.
func TestFault_C0_ExportedFilesKnowEverySpelling(t *testing.T) {
	t.Parallel()
	for _, fields := range []string{"For, X-Forwarded-Proto,x-forwarded-host,X-Forwarded-Port,X-Forwarded-Prefix", "for,proto,host,forwarded", "proto,X-Client-IP,X-Scheme,CF-Connecting-IP,X-Forwarded-Ssl,Front-End-Https"} {
		s := twoHosts(t, opts{}, "--trusted-fields", fields)
		for kind, run := range webServers {
			t.Run(fields+" "+kind, func(t *testing.T) {
				listen := "127.0.0.1:" + freePort(t)
				f := s.with(t).through(run(t, listen, exported(t, kind, "--listen", listen, "--connect", s.Addr, "--trusted-fields", fields)))
				for _, sent := range append(each(claims), claims) {
					r := f.want(200, "/", append([]string{"X-Forwarded-Proto: gopher"}, sent...)...)
					for _, claim := range []string{"admin", "6.6.6.6", "64433", "evil", "=on", "ssl", "https"} {
						if strings.Contains(r.Body, claim) {
							t.Errorf("%q: the client's own %q arrived:\n%s", sent, claim, r.Body)
						}
					}
					if !strings.HasPrefix(r.Body, "site\nREMOTE_ADDR=127.0.0.1\nwsgi.url_scheme=http\nHTTP_HOST="+listen+"\n") {
						t.Errorf("%q: %s", sent, r.Body)
					}
				}
			})
		}
	}
}
