package integration

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

const nginxFile = `user nobody; # a comment; with a sign
worker_processes auto;
events { worker_connections 512; }
http {
    include mime.types;
    log_format main '$remote_addr - "$request"';
    access_log off;
    client_max_body_size 20m;
    keepalive_timeout 65s;
    include 'sites/*.conf';
    include nowhere/x.conf;
    upstream app {
        least_conn;
        server 127.0.0.1:9001 weight=2;
        server unix:/run/app.sock;
        server 127.0.0.1:9009 down;
        server 127.0.0.1:9010 backup;
        keepalive 16;
    }
    map $http_upgrade $connection_upgrade { default upgrade; '' close; }
    server {
        listen 8080 default_server;
        listen [::]:8080 default_server;
        server_name .shop.example.org www.shop.example.org ~^re;
        client_max_body_size 1m;
        location /static/ {
            alias static/;
            expires 30d;
            add_header Access-Control-Allow-Origin "*";
        }
        location ^~ /media { root files; try_files $uri =404; }
        location = /favicon.ico { alias static/favicon.ico; access_log off; }
        location ~ \.php$ { fastcgi_pass unix:/run/php.sock; }
        location /api/ {
            proxy_pass http://app/;
            proxy_set_header Host $host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_read_timeout 1m30s;
            proxy_request_buffering off; proxy_buffering off;
        }
        location /old { return 302 /new; }
        location / {
            root files;
            try_files $uri @app;
        }
        location @app {
            uwsgi_pass unix:/run/uwsgi.sock;
            include uwsgi_params;
        }
        limit_req zone=one burst=5;
        content_by_lua_block { if x then return "}" end }
    }
    server {
        listen 127.0.0.1:8081;
        server_name other.example.org;
        location / { proxy_pass http://$UPSTREAM; }
    }
}
`

// A whole nginx.conf is read, and each directive is a key or a comment.
func TestImportNginx(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"nginx.conf": strings.Replace(nginxFile, "nobody", "root", 1), "app.py": hello("x"), "static/a.css": "a", "files/media/b.txt": "b",
		"sites/one.conf": "server { listen unix:web.sock; server_name _; root files; }\n"})
	r := run(t, dir, nil, "import", "nginx", "nginx.conf", "--output", "standpipe.toml")
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	text := run(t, dir, nil, "import", "nginx", "nginx.conf").out
	if r := run(t, dir, []string{"UPSTREAM=127.0.0.1:9003"}, "check"); r.code != 0 {
		t.Fatalf("%+v\n%s", r, text)
	}
	has(t, text,
		`user = "root"`, `access_log = "off"`, `max_body = "20MiB"`, `idle_timeout = "65s"`, "address = \":8080\"  # nginx.conf:22\n", `address = "127.0.0.1:8081"`, "address = \"unix:web.sock\"  # sites/one.conf:1",
		"path = \"/static/\"", "listen = [\":8080\"]  # nginx.conf:21\n", "listen = [\"127.0.0.1:8081\"]  # nginx.conf:53\n", `cache_control = { "*" = "2592000s" }`, `headers = { Access-Control-Allow-Origin = "*" }`,
		"path = \"/media\"\n", "dir = \"files/media\"  # nginx.conf:31\n", "path_exact = [\"/favicon.ico\"]", "rewrite = \"/favicon.ico\"", "path = \"/old\"", "redirect = \"/new\"", "status = 302", "[route.static]", "path = \"/api/\"  # nginx.conf:35", "balance = \"least_conn\"  # nginx.conf:13", "address = \"http://127.0.0.1:9001\"  # nginx.conf:14\nweight = 2", `address = "http+unix:/run/app.sock"`, "address = \"http://127.0.0.1:9009\"  # nginx.conf:16\ndown = true", "backup = true", "strip_prefix = true", `read_timeout = "90s"`,
		`request_buffering = "off"`, `response_buffering = "off"`, `upstreams = ["uwsgi+unix:/run/uwsgi.sock"]`, `upstreams = ["http://${UPSTREAM}"]`, "missing = \"app\"",
		"nginx.conf:11: include nowhere/x.conf", "nginx.conf:20: map $http_upgrade $connection_upgrade: not needed", "nginx.conf:24: server_name ~^re",
		"nginx.conf:25: client_max_body_size 1m: `max_body` is one for all", `nginx.conf:33: location ~ \.php$`, "nginx.conf:36: proxy_set_header Host: not needed",
		"nginx.conf:50: limit_req zone=one burst=5: its limit_req_zone is not here", "nginx.conf:51: content_by_lua_block: not yet")
	for file, where := range map[string]string{"open.conf": "open.conf: a } is missing", "quote.conf": "quote.conf:2: the quote is never closed", "end.conf": "end.conf:1: listen has no ;", "loop.conf": "include each other", "none.conf": "none.conf", "close.conf": "close.conf:2: unexpected }"} {
		write(t, dir, map[string]string{"open.conf": "server {\n listen 80;\n", "quote.conf": "server {\nroot 'x;\n}\n", "end.conf": "listen 80", "loop.conf": "include loop.conf;\n", "close.conf": "\n}\n"})
		if r := run(t, dir, nil, "import", "nginx", file); r.code != 2 || r.out != "" || !strings.Contains(r.errout, where) {
			t.Errorf("%s: %+v", file, r)
		}
	}
}

// A site of https with its redirect: both addresses are there, and the certificates.
func TestImportNginxHTTPS(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("x"), "site.conf": `server {
    listen 80;
    server_name a.example.org b.example.org;
    location /.well-known/acme-challenge/ { root files; }
    location / { return 301 https://$host$request_uri; }
}
server {
    listen 443 ssl http2;
    server_name a.example.org;
    ssl_certificate a.pem;
    ssl_certificate_key a.key;
    ssl_protocols TLSv1.3;
    ssl_ciphers HIGH;
    add_header Strict-Transport-Security "max-age=63072000" always;
    location / { proxy_pass http://127.0.0.1:9001; }
}
server {
    listen 443 ssl;
    server_name b.example.org;
    ssl_certificate b.pem;
    ssl_certificate_key b.key;
    root files;
}
`, "files/.well-known/acme-challenge/x": "x"})
	r := run(t, dir, nil, "import", "nginx", "site.conf")
	has(t, r.out, "address = \":80\"  # site.conf:2\nprotocol = \"http\"", "redirect_https = true", "address = \":443\"  # site.conf:8\nprotocol = \"https\"", `tls_cert = "a.pem"`, `tls_key = "a.key"`, `tls_min = "1.3"`, `hsts = "max-age=63072000"`,
		"[[certificate]]\ncert = \"b.pem\"", `url = "/.well-known/acme-challenge/"`, "site.conf:13: ssl_ciphers HIGH: not needed", "!return")
}

// The same site by a real nginx and by standpipe with what import made of its file.
func TestImportedNginxServesTheSame(t *testing.T) {
	t.Parallel()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "up %s %s %s %s", r.Method, r.URL.RequestURI(), r.Host, r.Header.Get("X-Forwarded-Proto"))
	}))
	t.Cleanup(up.Close)
	port := freePort(t)
	site := fmt.Sprintf(`upstream up { server %[1]s; }
server {
    listen 127.0.0.1:%[2]s;
    server_name shop.example.org;
    location /static/ { alias DIR/static/; expires 1h; add_header X-Static yes; }
    location /media { root DIR/files; }
    location /api/ { proxy_pass http://up/; proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto $scheme; }
    location /legacy { proxy_pass http://up; proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto $scheme; }
    location /v1/ { proxy_pass http://up/v2/; proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto $scheme; }
    location /q/ { rewrite ^/q/(.*)$ /index?q=$1 break; proxy_pass http://up; proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto $scheme; }
    location = /one { alias DIR/files/c.txt; }
    location ~* \.exe$ { return 403; }
    location ~ ^/u/([a-z]+)$ { return 301 https://users.example.org/$1; }
    location ~ ^/d/(.*)$ { alias DIR/static/$1; }
    location /gone { return 410; }
    location /closed { deny all; }
    location /secret/ { internal; alias DIR/files/; }
    location ~ /\.(?!well-known) { deny all; }
    location ~ ^/inner/ { deny 127.0.0.1; proxy_pass http://up; }
    location ~ ^/local/ { allow 127.0.0.1; deny all; proxy_pass http://up; proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto $scheme; }
    location = /status { allow 192.0.2.7; deny all; proxy_pass http://up; }
    location /favicon.ico { alias DIR/static/a.css; }
    rewrite ^/blog/([0-9]+)$ https://blog.example.org/$1 permanent;
    location / { root DIR/files; index index.html; try_files $uri $uri/ @up; }
    location @up { proxy_pass http://up; proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto $scheme; }
}
server {
    listen 127.0.0.1:%[2]s;
    server_name docs.example.org;
    root DIR/docs;
}
`, strings.TrimPrefix(up.URL, "http://"), port)
	dir := project(t, map[string]string{"app.py": hello("the app"), "static/a.css": "a { color: red }\n", "files/media/b.txt": "b\n", "files/index.html": "<p>index\n", "files/c.txt": "c\n", "docs/index.html": "<p>docs\n"})
	site = strings.ReplaceAll(site, "DIR", dir)
	n := nginx(t, "127.0.0.1:"+port, "types { text/css css; text/html html; text/plain txt; }\n"+site)
	write(t, dir, map[string]string{"site.conf": strings.ReplaceAll(site, ":"+port+";", ":0;")})
	imported(t, dir, nil, "nginx", "site.conf")
	s := start(t, opts{Dir: dir, Bare: true, Args: []string{"-c", filepath.Join(dir, "standpipe.toml"), "--log-format", "json"}})
	for _, c := range []struct{ host, target string }{
		{"shop.example.org", "/static/a.css"}, {"shop.example.org", "/static/none.css"}, {"shop.example.org", "/media/b.txt"}, {"shop.example.org", "/media/none"}, {"shop.example.org", "/api/x?y=1"}, {"shop.example.org", "/legacy/x%20y"},
		{"shop.example.org", "/v1/x?y"}, {"shop.example.org", "/q/a"}, {"shop.example.org", "/q/a?b=c"}, {"shop.example.org", "/one"}, {"shop.example.org", "/static/a.EXE"}, {"shop.example.org", "/u/ann"}, {"shop.example.org", "/u/ann/"},
		{"shop.example.org", "/d/a.css"}, {"shop.example.org", "/d/none"}, {"shop.example.org", "/gone/x"}, {"shop.example.org", "/closed"}, {"shop.example.org", "/secret/c.txt"}, {"shop.example.org", "/api/.env"}, {"shop.example.org", "/api/.well-known/x"}, {"shop.example.org", "/inner/x"}, {"shop.example.org", "/local/x"},
		{"shop.example.org", "/status"}, {"shop.example.org", "/favicon.ico"}, {"shop.example.org", "/blog/12"}, {"shop.example.org", "/blog/12?x=y"}, {"shop.example.org", "/blog/x"},
		{"shop.example.org", "/"}, {"shop.example.org", "/c.txt"}, {"shop.example.org", "/page?q=1"}, {"docs.example.org", "/"}, {"docs.example.org", "/none"},
	} {
		one, other := s.through(n).get(c.target, "Host: "+c.host), s.get(c.target, "Host: "+c.host)
		if one.Status != other.Status || one.Status == 200 && one.Body != other.Body || one.Header.Get("X-Static") != other.Header.Get("X-Static") || one.Header.Get("Location") != other.Header.Get("Location") {
			t.Errorf("%s%s: nginx has %d %q %s, standpipe %d %q %s", c.host, c.target, one.Status, one.Body, one.Header.Get("Location"), other.Status, other.Body, other.Header.Get("Location"))
		}
		if one.Status == 200 && c.target == "/static/a.css" && !strings.Contains(other.Header.Get("Cache-Control"), "max-age=3600") {
			t.Errorf("%q", other.Header.Get("Cache-Control"))
		}
	}
}

// An upstream block with more than addresses becomes tables and keys of its routes.
func TestImportNginxBalancing(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("x"), "site.conf": `upstream a { hash $http_x_user consistent; server 127.0.0.1:1 weight=3 max_conns=7; server 127.0.0.1:2 backup slow_start=30s; server 127.0.0.1:3 max_fails=2; }
upstream b { sticky cookie srv expires=1h; server 127.0.0.1:1; server 127.0.0.1:2 max_fails=0; }
upstream c { hash $arg_x; server 127.0.0.1:1; }
server { listen 127.0.0.1:0; location /a/ { proxy_pass http://a; } location /b/ { proxy_pass http://b; } location /c/ { proxy_pass http://c; } }
`})
	imported(t, dir, nil, "nginx", "site.conf")
	r := run(t, dir, nil, "config")
	fields := strings.Join(strings.Fields(r.out), " ")
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	has(t, fields, "route.0.balance hash:field:X-User", "route.0.upstream.0.weight 3", "route.0.upstream.0.max_conns 7", "route.0.upstream.1.backup on", "route.0.slow_start 0", "route.1.balance sticky", "route.1.sticky_cookie srv",
		"route.1.max_fails 0", "route.2.balance p2c")
	text := run(t, dir, nil, "import", "nginx", "site.conf").out
	has(t, text, "site.conf:1: server 127.0.0.1:3 max_fails=2: ", "site.conf:3: hash $arg_x: ")
}
