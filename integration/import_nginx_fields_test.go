package integration

import (
	"bufio"
	"net"
	"strings"
	"testing"
)

// Fields, listings and a page for all paths: what nginx does with a file, and standpipe with what import makes of it.
func TestImportNginxFields(t *testing.T) {
	t.Parallel()
	up := recording(t, func(head string, c net.Conn, _ *bufio.Reader) {
		status := "200 OK"
		if strings.Contains(head, " /api/404 ") {
			status = "404 Not Found"
		}
		_, _ = c.Write([]byte("HTTP/1.1 " + status + "\r\nContent-Length: 2\r\nX-Powered-By: snakes\r\nConnection: close\r\n\r\nup"))
	})
	listen := "127.0.0.1:" + freePort(t)
	dir := project(t, map[string]string{"dist/index.html": "the app", "files/dir/a.txt": "a"})
	server := strings.NewReplacer("DIR", dir, "UP", up.URL).Replace(`server {
    listen LISTEN;
    server_name shop.example.org;
    location /api/ {
        proxy_pass UP;
        proxy_set_header Host $host;
        proxy_set_header X-Client $remote_addr;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Debug "";
        proxy_hide_header X-Powered-By;
        add_header X-Always "$scheme" always;
        add_header X-Usual yes;
    }
    location /files/ { alias DIR/files/; autoindex on; }
    location / { root DIR/dist; try_files $uri $uri/ /index.html; }
}
`)
	n := nginx(t, listen, strings.ReplaceAll(server, "LISTEN", listen))
	write(t, dir, map[string]string{"site.conf": strings.ReplaceAll(server, "LISTEN", "127.0.0.1:0")})
	if r := run(t, dir, nil, "import", "nginx", "site.conf", "--output", "standpipe.toml"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	s := start(t, opts{Dir: dir, Apps: -1, Args: []string{"-c", "standpipe.toml"}})
	for path, body := range map[string]string{"/": "the app", "/users/7": "the app", "/api/x": "up", "/api/404": "up", "/files/dir/": "a.txt", "/files/dir/a.txt": "a"} {
		var got [2]string
		for i, addr := range []string{n.Addr, s.Addr} {
			got[i] = s.at(addr).raw("GET " + path + " HTTP/1.1\r\nHost: shop.example.org\r\nAccept: text/html\r\nX-Debug: 1\r\nConnection: close\r\n\r\n")
			if !strings.Contains(got[i], body) {
				t.Errorf("%s at %d: %s", path, i, got[i])
			}
		}
		for _, field := range []string{"X-Always: http\r\n", "X-Usual: yes\r\n", "X-Powered-By:"} {
			if strings.Contains(got[0], field) != strings.Contains(got[1], field) {
				t.Errorf("%s: %s differs:\n%s\n%s", path, field, got[0], got[1])
			}
		}
	}
	for _, head := range up.taken() {
		if !strings.Contains(head, "X-Client: 127.0.0.1\r\n") || !strings.Contains(head, "X-Real-IP: 127.0.0.1\r\n") || strings.Contains(head, "X-Debug") {
			t.Errorf("the upstream got\n%s", head)
		}
	}
}

// What answers for folders and for missing names in locations of patterns and whole paths.
func TestImportNginxPatternsOfFiles(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"site.conf": `server {
    listen 127.0.0.1:8080;
    root /srv/site;
    location / { }
    location ~ ^/pub/ { autoindex on; index start.html start.php; try_files $uri $uri/ /pub/none.html; }
    location ~ ^/app/ { try_files $uri @app; }
    location @app { proxy_pass http://127.0.0.1:9000; }
}
`})
	r := run(t, dir, nil, "import", "nginx", "site.conf")
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	has(t, r.out, "listing = true  # site.conf:5", "index = [\"start.html\"]  # site.conf:5", "#   site.conf:5: try_files $uri $uri/ /pub/none.html: ", "index = []  # site.conf:6\nmissing = \"app\"  # site.conf:6")
}
