package integration

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/integration/testauth"
)

// statusFrom is the status of a GET from a client's own address. Each header is "Name: value".
func statusFrom(t *testing.T, client, addr, target string, headers ...string) int {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(client)}, Timeout: patience}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: shop.example.org\r\nConnection: close\r\n%s\r\n\r\n", target, strings.Join(append(headers, "X-A: b"), "\r\n"))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// A real nginx and standpipe with what import made of its file let the same clients in.
func TestImportedNginxLetsTheSameIn(t *testing.T) {
	t.Parallel()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "up") }))
	t.Cleanup(up.Close)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Cookie"), "session=1") {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(service.Close)
	port := freePort(t)
	site := fmt.Sprintf(`deny 127.0.0.9;
server {
    listen 127.0.0.1:%[2]s;
    server_name shop.example.org;
    location = /auth { internal; proxy_pass %[3]s/verify; proxy_pass_request_body off; }
    location / { proxy_pass %[1]s; }
    location /office/ { allow 127.0.0.2; allow 127.0.1.0/24; deny 127.0.1.7; deny all; proxy_pass %[1]s; }
    location /office/open/ { allow all; proxy_pass %[1]s; }
    location /not/ { deny 127.0.0.2; deny 127.0.1.0/24; proxy_pass %[1]s; }
    location /either/ { allow 127.0.0.2; deny all; auth_basic "Shop"; auth_basic_user_file DIR/users; satisfy any; proxy_pass %[1]s; }
    location /both/ { allow 127.0.0.2; deny all; auth_basic "Shop"; auth_basic_user_file DIR/users; proxy_pass %[1]s; }
    location /asked/ { auth_request /auth; proxy_pass %[1]s; }
}
`, up.URL, port, service.URL)
	dir := project(t, map[string]string{"app.py": hello("the app"), "users": "joe:" + strings.Replace(testauth.Bcrypt(t, "secret"), "$2a$", "$2y$", 1) + "\n"})
	site = strings.ReplaceAll(site, "DIR", dir)
	n := nginx(t, "127.0.0.1:"+port, site)
	write(t, dir, map[string]string{"site.conf": strings.ReplaceAll(site, ":"+port+";", ":0;")})
	imported(t, dir, nil, "nginx", "site.conf")
	s := start(t, opts{Dir: dir, Bare: true, Args: []string{"-c", filepath.Join(dir, "standpipe.toml"), "--log-format", "json"}})
	seen := map[int]int{}
	for _, client := range []string{"127.0.0.1", "127.0.0.2", "127.0.0.9", "127.0.1.5", "127.0.1.7"} {
		for _, target := range []string{"/", "/office/x", "/office/open/x", "/not/x", "/either/x", "/both/x", "/asked/x"} {
			for _, field := range []string{"X-B: c", as("joe", "secret"), as("joe", "wrong"), "Cookie: session=1"} {
				one, other := statusFrom(t, client, n.Addr, target, field), statusFrom(t, client, s.Addr, target, field)
				if seen[one]++; one != other {
					t.Errorf("%s %s %s: nginx has %d, standpipe %d", client, target, field, one, other)
				}
			}
		}
	}
	if seen[200] == 0 || seen[401] == 0 || seen[403] == 0 || seen[500] != 0 {
		t.Errorf("the statuses are %v", seen)
	}
	if r := run(t, dir, nil, "import", "nginx", "site.conf"); !strings.Contains(r.out, "deny 127.0.1.7: not needed") {
		t.Errorf("import: %s", r.out)
	}
}
