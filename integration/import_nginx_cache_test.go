package integration

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// What nginx stores, and what standpipe stores with what import makes of it: by the answers' fields, by rules, with cookies, and while
// the upstream is down.
func TestImportNginxCache(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	counts, down := map[string]int{}, false
	up := recording(t, func(head string, c net.Conn, _ *bufio.Reader) {
		path := strings.Fields(head)[1]
		mu.Lock()
		defer mu.Unlock()
		key := strings.Fields(head[strings.Index(head, "X-Way: "):])[1] + path
		counts[key]++
		status, field := "200 OK", ""
		switch {
		case down:
			status = "503 Service Unavailable"
		case strings.Contains(path, "private"):
			field = "Cache-Control: private\r\n"
		case strings.Contains(path, "short"):
			field = "Cache-Control: max-age=1\r\n"
		case strings.Contains(path, "said"):
			field = "Cache-Control: max-age=100\r\n"
		case strings.Contains(path, "none"):
			status = "404 Not Found"
		}
		body := fmt.Sprint(counts[key])
		_, _ = c.Write([]byte("HTTP/1.1 " + status + "\r\nContent-Length: " + fmt.Sprint(len(body)) + "\r\n" + field + "Connection: close\r\n\r\n" + body))
	})
	listen := "127.0.0.1:" + freePort(t)
	dir := t.TempDir()
	server := strings.NewReplacer("DIR", dir, "UP", up.URL).Replace(`proxy_cache_path DIR/zone keys_zone=a:1m max_size=10m inactive=30m;
server {
    listen LISTEN;
    location /api/ {
        proxy_pass UP;
        proxy_set_header Host $host;
        proxy_cache a;
        proxy_cache_valid 10m;
        proxy_cache_valid 404 1m;
        proxy_cache_use_stale error timeout http_503;
        proxy_cache_lock on;
        proxy_cache_key "$scheme$host$request_uri$cookie_currency";
    }
    location /users/ {
        proxy_pass UP;
        proxy_set_header Host $host;
        proxy_cache a;
        proxy_cache_valid any 10m;
        proxy_cache_bypass $cookie_session;
        proxy_no_cache $cookie_session;
    }
    location / {
        proxy_pass UP;
        proxy_set_header Host $host;
    }
}
`)
	n := nginx(t, listen, strings.ReplaceAll(server, "LISTEN", listen))
	write(t, dir, map[string]string{"site.conf": strings.ReplaceAll(server, "LISTEN", "127.0.0.1:0")})
	if r := run(t, dir, nil, "import", "nginx", "site.conf", "--output", "standpipe.toml"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	s := start(t, opts{Dir: dir, Apps: -1, Args: []string{"-c", "standpipe.toml"}})
	ask := func(way, path, field string) string {
		addr := map[string]string{"nginx": n.Addr, "ours": s.Addr}[way]
		answer := s.at(addr).raw("GET " + path + " HTTP/1.1\r\nHost: a\r\nX-Way: " + way + "\r\n" + field + "Connection: close\r\n\r\n")
		return strings.Fields(answer)[1] + " " + answer[strings.Index(answer, "\r\n\r\n")+4:]
	}
	both := func(path, field, want string) {
		t.Helper()
		for _, way := range []string{"nginx", "ours"} {
			if got := ask(way, path, field); got != want {
				t.Errorf("%s at %s: %q, want %q", path, way, got, want)
			}
		}
	}
	for _, again := range []string{"1", "2"} {
		both("/api/x", "", "200 1")
		both("/api/x", "Cookie: a=b\r\n", "200 1") // nobody has said that cookies matter
		both("/api/x?q=1", "", "200 1")
		both("/api/none", "", "404 1")
		both("/api/private", "", "200 "+again)
		both("/api/said", "", "200 1")
		both("/api/money", "Cookie: currency=eur\r\n", "200 1")
		both("/users/x", "", "200 1")
		both("/users/me", "Cookie: session=1\r\n", "200 "+again)
		both("/x", "", "200 "+again)
	}
	both("/api/short", "", "200 1")
	both("/api/money", "Cookie: currency=nzd\r\n", "200 2")
	mu.Lock()
	down = true
	mu.Unlock()
	within(t, patience, "the end of a second", func() bool {
		return strings.Contains(s.raw("GET /api/short HTTP/1.1\r\nHost: a\r\nX-Way: ours\r\nConnection: close\r\n\r\n"), "ttl=-")
	})
	both("/api/short", "", "200 1")
	if got := ask("ours", "/api/fresh", ""); !strings.HasPrefix(got, "503 ") {
		t.Errorf("%q", got)
	}
}
