package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestWSGIUnderscores: a field whose name has an underscore would overwrite its namesake with hyphens; `Proxy` would
// become HTTP_PROXY (httpoxy). A thousand times on one connection: a random order shows itself.
func TestWSGIUnderscores(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")
	w := dialWire(t, s.server)
	for i := range 1000 {
		w.send("GET /echo HTTP/1.1\r\nHost: a\r\nX_User: evil\r\nX-User: good\r\nX_USER: evil\r\nx-only_half: evil\r\nScript_Name: /evil\r\n" +
			"Proxy: http://evil\r\nPROXY: http://evil\r\nContent_Length: 7\r\nContent_Type: evil\r\nRemote_Addr: evil\r\nRemote_User: evil\r\nX_Forwarded_For: 6.6.6.6\r\n\r\n")
		a := w.recv("GET")
		e := parseEcho(t, a.Body)
		if e.Strings["HTTP_X_USER"] != "good" {
			t.Fatalf("request %d: HTTP_X_USER is %q", i, e.Strings["HTTP_X_USER"])
		}
		if strings.Contains(a.Body, "evil") || strings.Contains(a.Body, "6.6.6.6") || e.Types["HTTP_PROXY"] != "" || e.Types["CONTENT_LENGTH"] != "" {
			t.Fatalf("request %d: what should be dropped came through: %s", i, a.Body)
		}
		if e.Strings["SCRIPT_NAME"] != "" || e.Strings["REMOTE_ADDR"] != "127.0.0.1" {
			t.Fatalf("request %d: SCRIPT_NAME %q, REMOTE_ADDR %q", i, e.Strings["SCRIPT_NAME"], e.Strings["REMOTE_ADDR"])
		}
	}
}

// forwardedFields are what proxies say of the client; from anybody else they are lies.
var forwardedFields = []string{
	"X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example", "X-Forwarded-Port: 666", "X-Forwarded-Prefix: /evil",
	"X-Forwarded-Ssl: on", "X-Forwarded-Server: evil", "X-Forwarded-Scheme: https", "Forwarded: for=6.6.6.6;proto=https;host=evil.example",
	"X-Real-IP: 6.6.6.6", "X-Client-IP: 6.6.6.6",
}

func TestWSGIForwardedUntrusted(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours", "--trusted-proxies", "10.0.0.0/8")
	w := dialWire(t, s.server)
	named := "\r\nConnection: X-Forwarded-For"
	if s.over == h2 {
		named = "" // there is no such field
	}
	for range 2 {
		w.send("GET /echo HTTP/1.1\r\nHost: good.example\r\n" + strings.Join(forwardedFields, "\r\n") + named + "\r\n\r\n")
		e := parseEcho(t, w.recv("GET").Body)
		for key := range e.Types {
			if strings.HasPrefix(key, "HTTP_X_FORWARDED") || key == "HTTP_FORWARDED" || key == "HTTP_X_REAL_IP" || key == "HTTP_X_CLIENT_IP" || key == "HTTPS" && s.scheme() == "http" {
				t.Errorf("%s came through: %q", key, e.Strings[key])
			}
		}
		for key, want := range map[string]string{"REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": s.scheme(), "HTTP_HOST": "good.example", "SCRIPT_NAME": "", "PATH_INFO": "/echo"} {
			if e.Strings[key] != want {
				t.Errorf("%s is %q, want %q", key, e.Strings[key], want)
			}
		}
	}
	r := s.waitEvent("forwarded_ignored")
	if r.str("level") != "warn" || r.str("peer") != "127.0.0.1" || !holds(r.str("fields"), "X-Forwarded-Proto") {
		t.Errorf("the record does not name the peer and the fields: %v", r)
	}
	s.settle()
	if n := len(s.events("forwarded_ignored")); n != 1 {
		t.Errorf("%d forwarded_ignored records for one peer, want 1", n)
	}
}

func TestWSGIForwardedTrusted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, fields string
		args         []string
		want         map[string]string // "" for absent
	}{
		{"one hop", "X-Forwarded-For: 6.6.6.6, 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n", []string{"--trusted-fields", "for,proto,host"}, map[string]string{
			"REMOTE_ADDR": "203.0.113.9", "HTTP_X_FORWARDED_FOR": "203.0.113.9", "wsgi.url_scheme": "https", "HTTPS": "on",
			"HTTP_HOST": "shop.example", "HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_HOST": "shop.example",
		}},
		{"two fields of one name", "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 203.0.113.9\r\n", nil, map[string]string{
			"REMOTE_ADDR": "203.0.113.9", "HTTP_X_FORWARDED_FOR": "203.0.113.9", "wsgi.url_scheme": "http", "HTTPS": "",
		}},
		{"two trusted hops", "X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.5\r\n", []string{"--trusted-proxies", "127.0.0.0/8", "--trusted-proxies", "10.0.0.0/8"}, map[string]string{
			"REMOTE_ADDR": "203.0.113.9", "HTTP_X_FORWARDED_FOR": "203.0.113.9, 10.0.0.5",
		}},
		{"Forwarded", "Forwarded: for=6.6.6.6, for=203.0.113.9;proto=https;host=shop.example\r\n", []string{"--trusted-fields", "for,proto,host,forwarded"}, map[string]string{
			"REMOTE_ADDR": "203.0.113.9", "wsgi.url_scheme": "https", "HTTP_HOST": "shop.example",
		}},
		{"IPv6", "X-Forwarded-For: 2001:db8::7\r\n", nil, map[string]string{"REMOTE_ADDR": "2001:db8::7"}},
		{"nonsense", "X-Forwarded-For: not an address\r\nX-Forwarded-Proto: gopher\r\n", nil, map[string]string{
			"REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "HTTPS": "",
		}},
		{"nothing", "", nil, map[string]string{"REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "HTTP_X_FORWARDED_FOR": ""}},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := serveWSGI(t, "wsgi_behaviours", c.args...)
			w := dialWire(t, s.server)
			w.send("GET /echo HTTP/1.1\r\nHost: a\r\n" + c.fields + "\r\n")
			e := parseEcho(t, w.recv("GET").Body)
			for key, want := range c.want {
				if own := map[string]string{"wsgi.url_scheme": "https", "HTTPS": "on"}[key]; own != "" && s.scheme() == "https" {
					want = own // of the connection, where no proxy says more
				}
				if got := e.Strings[key]; got != want {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
			if strings.Contains(fmt.Sprint(e.Strings), "6.6.6.6") {
				t.Errorf("what the client itself claimed came through: %v", e.Strings)
			}
			if len(s.events("forwarded_ignored")) > 0 {
				t.Error("forwarded_ignored though the peer is trusted")
			}
		})
	}
}

// TestWSGIDescriptors: a worker has 0, 1, 2 and private descriptors; its children have 0, 1, 2.
func TestWSGIDescriptors(t *testing.T) {
	// standpipe itself may have got descriptors that were not marked close-on-exec, a listener of systemd's for one.
	stray, other := pipe(t)
	t.Cleanup(func() { stray.Close(); other.Close() })
	extra := []*os.File{stray, stray, stray, stray, stray, stray, stray, stray}
	s := serveBehaviours(t, opts{App: "app:application", Dir: appDir(t, "wsgi_behaviours"), ExtraFiles: extra})
	type list map[string][2]any // number: what it is, close-on-exec
	var r struct{ Own, Child list }
	if err := json.Unmarshal([]byte(s.want(200, "/environ/fds").Body), &r); err != nil {
		t.Fatal(err)
	}
	for fd, f := range r.Own {
		inherited := fd == "0" || fd == "1" || fd == "2"
		if closes := f[1] == true; closes == inherited {
			t.Errorf("worker's fd %s (%v): close-on-exec %v", fd, f[0], closes)
		}
		if strings.HasPrefix(fmt.Sprint(f[0]), "socket:") && inherited {
			t.Errorf("worker's fd %s is %v", fd, f[0])
		}
	}
	if f := r.Own["0"]; f[0] != "/dev/null" {
		t.Errorf("worker's stdin is %v", f[0])
	}
	if r.Own["1"][0] != r.Own["2"][0] {
		t.Errorf("worker's stdout is %v, its stderr %v: want the same pipe", r.Own["1"][0], r.Own["2"][0])
	}
	for fd, f := range r.Child {
		// Its stdout is the pipe of subprocess.run, which the view asked for.
		if fd != "0" && fd != "1" && fd != "2" {
			t.Errorf("a child started with close_fds=False got fd %s: %v", fd, f[0])
		}
	}
	if len(r.Child) != 3 {
		t.Errorf("the child has %v", r.Child)
	}
	if n := len(r.Own); n > 12 {
		t.Errorf("the worker has %d descriptors: %v", n, r.Own)
	}
}

// TestWSGIProcessEnviron: the app's process environment has what the app is told to have, and none of our own means.
func TestWSGIProcessEnviron(t *testing.T) {
	t.Parallel()
	s := serveBehaviours(t, opts{App: "app:application", Dir: appDir(t, "wsgi_behaviours"), Args: []string{"-e", "GREETING=a,b=c"}, Env: []string{
		"NOTIFY_SOCKET=/nonexistent/notify", "LISTEN_FDS=1", "LISTEN_PID=1", "LISTEN_FDNAMES=x", "WATCHDOG_USEC=1000000000", "WATCHDOG_PID=1", "INHERITED=yes",
	}})
	env := map[string]string{}
	if err := json.Unmarshal([]byte(s.want(200, "/environ/process").Body), &env); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"STANDPIPE_NONCE", "STANDPIPE_SHIM_HASH", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		if value, there := env[name]; there {
			t.Errorf("%s=%s is in the app's environment", name, value)
		}
	}
	for name, want := range map[string]string{"STANDPIPE_WORKER": "0", "STANDPIPE_GENERATION": "1", "GREETING": "a,b=c", "INHERITED": "yes"} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	e := parseEcho(t, s.get("/echo").Body)
	for key := range e.Types {
		if strings.Contains(key, "NONCE") || key == "INHERITED" || key == "PATH" {
			t.Errorf("the environ has %s", key)
		}
	}
}
