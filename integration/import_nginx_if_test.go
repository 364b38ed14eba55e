package integration

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// if, map, geo, rewrite ... last and hosts that no server names: what nginx answers, and standpipe with what import makes of the file.
func TestImportNginxConditions(t *testing.T) {
	t.Parallel()
	var ups [2]string
	for i := range ups {
		up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%d %s %s", i, r.Method, r.URL.RequestURI())
		}))
		t.Cleanup(up.Close)
		ups[i] = strings.TrimPrefix(up.URL, "http://")
	}
	listen := "127.0.0.1:" + freePort(t)
	dir := project(t, map[string]string{"files/a.txt": "a file\n"})
	conf := strings.NewReplacer("DIR", dir, "UP0", ups[0], "UP1", ups[1]).Replace(`map $uri $new { default ""; /old.html /new.html; ~^/blog/(?<slug>[a-z-]+)$ /posts/$slug/; }
map $cookie_ab $pool { default UP0; b UP1; }
geo $bad { default 0; 192.0.2.0/24 1; }
server {
    listen LISTEN;
    server_name example.com example.net;
    if ($host != example.com) { return 301 http://example.com$request_uri; }
    if ($new) { return 301 http://example.com$new; }
    if ($request_method !~ ^(GET|HEAD|POST|OPTIONS)$) { return 405; }
    if ($http_user_agent ~* (badbot|scrapy)) { return 403; }
    if ($bad) { return 404; }
    rewrite ^/p/(\d+)$ /page?id=$1 last;
    location /page { proxy_pass http://UP1; }
    location /d/ { rewrite ^/d/(.*)$ /page/$1 last; }
    location /ab/ { proxy_pass http://$pool; }
    location /cors/ { if ($request_method = OPTIONS) { add_header X-Preflight yes; return 204; } proxy_pass http://UP0; }
    location /m/ { if ($http_x_mobile) { return 302 http://m.example.com$request_uri; } proxy_pass http://UP0; }
    location /beta/ { if ($cookie_beta = 1) { proxy_pass http://UP1; } proxy_pass http://UP0; }
    location ~ ^/u/(?<user>[a-z]+)/(.*)$ { proxy_pass http://UP0/users/$user/$2$is_args$args; }
    location /files/ { root DIR; if (!-f $request_filename) { proxy_pass http://UP0; break; } }
    location / { proxy_pass http://UP0; }
}
server {
    listen LISTEN;
    server_name other.example.com;
    location /x { return 200 "other\n"; }
}
`)
	n := nginx(t, listen, strings.ReplaceAll(conf, "LISTEN", listen))
	write(t, dir, map[string]string{"site.conf": strings.ReplaceAll(conf, "LISTEN", "127.0.0.1:0")})
	imported(t, dir, nil, "nginx", "site.conf")
	s := start(t, opts{Dir: dir, Apps: -1, Args: []string{"-c", filepath.Join(dir, "standpipe.toml"), "--log-format", "json"}})
	for _, c := range []struct{ host, method, target, field string }{
		{"example.com", "GET", "/", ""}, {"example.net", "GET", "/x?y=1", ""}, {"unknown.org", "GET", "/x?y=1", ""}, {"other.example.com", "GET", "/x", ""}, {"other.example.com", "GET", "/page", ""},
		{"example.com", "GET", "/old.html", ""}, {"example.com", "GET", "/blog/a-b", ""}, {"example.com", "GET", "/blog/A", ""}, {"example.com", "PUT", "/x", ""}, {"example.net", "PUT", "/x", ""},
		{"example.com", "GET", "/x", "User-Agent: BadBot/1"}, {"example.com", "GET", "/p/12", ""}, {"example.com", "GET", "/p/12?z=1", ""}, {"example.com", "GET", "/d/x?y=1", ""}, {"example.com", "GET", "/page/x", ""},
		{"example.com", "GET", "/ab/x", ""}, {"example.com", "GET", "/ab/x", "Cookie: a=1; ab=b"}, {"example.com", "GET", "/ab/x", "Cookie: ab=bb"}, {"example.com", "OPTIONS", "/cors/x", ""}, {"example.com", "GET", "/cors/x", ""},
		{"example.com", "GET", "/m/x?y=1", "X-Mobile: 1"}, {"example.com", "GET", "/m/x?y=1", ""}, {"example.com", "GET", "/beta/x", "Cookie: beta=1"}, {"example.com", "GET", "/beta/x", "Cookie: xbeta=1"},
		{"example.com", "GET", "/u/ann/a/b?c=1", ""}, {"example.com", "GET", "/u/Ann/a", ""}, {"example.com", "GET", "/files/a.txt", ""}, {"example.com", "GET", "/files/b.txt", ""}, {"example.com", "GET", "/files/", ""},
	} {
		head := c.method + " " + c.target + " HTTP/1.1\r\nHost: " + c.host + "\r\n" + c.field + "\r\nConnection: close\r\n\r\n"
		head = strings.Replace(head, "\r\n\r\nConnection", "\r\nConnection", 1)
		one, other := s.at(n.Addr).raw(head), s.at(s.Addr).raw(head)
		status := func(text string) string {
			return strings.Join(strings.Fields(text + "  ")[:min(2, len(strings.Fields(text)))], " ")
		}
		line := func(text, name string) string {
			for l := range strings.Lines(text) {
				if strings.HasPrefix(strings.ToLower(l), name+":") {
					return strings.TrimSpace(l[len(name)+1:])
				}
			}
			return ""
		}
		_, body1, _ := strings.Cut(one, "\r\n\r\n")
		_, body2, _ := strings.Cut(other, "\r\n\r\n")
		if status(one) != status(other) || line(one, "location") != line(other, "location") || line(one, "x-preflight") != line(other, "x-preflight") || strings.Contains(status(one), " 200") && body1 != body2 {
			t.Errorf("%s %s%s %s:\n%s\n%s", c.method, c.host, c.target, c.field, one, other)
		}
	}
}
