package integration

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// behind is an example with a web server in front: a copy, and the path of the socket between them.
type behind struct {
	*server
	dir, socket, listen string
}

func startBehind(t testing.TB, name, protocol string) behind {
	t.Helper()
	b := behind{dir: example(t, name), socket: filepath.Join(socketDir(t), "s"), listen: "127.0.0.1:" + freePort(t)}
	if err := os.Chmod(filepath.Dir(b.socket), 0o755); err != nil { // Apache runs as another user
		t.Fatal(err)
	}
	b.server = startExample(t, b.dir, opts{Listen: []string{protocol + b.socket + "?mode=0666"}})
	return b
}

// places are the README's addresses and this test's.
func (b behind) places() []string {
	return []string{"/run/whoami/whoami.sock", b.socket, "/srv/whoami", b.dir}
}

// exported is the file in the example, for the places of this test. It is what `standpipe export` prints; -update writes it.
func (b behind) exported(t testing.TB, kind, protocol, file string) string {
	t.Helper()
	r := run(t, b.dir, nil, "export", kind, "-c", "standpipe.toml", "-b", protocol+b.socket)
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	path := filepath.Join(repoDir(), "examples", file)
	if *update {
		pairs := b.places()
		text := strings.NewReplacer(pairs[1], pairs[0], pairs[3], pairs[2]).Replace(r.out)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	site := strings.NewReplacer(b.places()...).Replace(string(text))
	if site != r.out {
		t.Errorf("examples/%s is not what `standpipe export %s` prints: go test ./integration/ -run TestGoldenExample -update", file, kind)
	}
	return site
}

// serves asks through the front, as a client of another address.
func (b behind) serves(t testing.TB, front *neighbour) {
	t.Helper()
	f := b.server.through(front)
	dialer := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, front.Addr)
		}}}
	const host = "whoami.example.org" // the fronts' configurations are for the usual ports, which a Host field leaves out
	resp, err := client.Do(f.request("GET", "/?x=1", nil, "Host: "+host, "X-Forwarded-For: 203.0.113.9", "X-Real-IP: 203.0.113.9", "X-Forwarded-Host: evil.example.org"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || !holds(string(page), "address is <b>127.0.0.2</b>", "page is <b>http://"+host+"/?x=1</b>") {
		t.Fatalf("%d %v %s", resp.StatusCode, err, page)
	}
	b.waitAccess(`^127\.0\.0\.2 .*"GET /\?x=1 `)

	// The front serves the stylesheet by itself.
	link := stylesheet.FindStringSubmatch(string(page))
	if link == nil {
		t.Fatalf("%s", page)
	}
	if r := f.want(200, link[1], "Host: "+host); !strings.HasPrefix(r.Header.Get("Content-Type"), "text/css") {
		t.Errorf("%v", r.Header)
	}
	f.want(200, "/?x=2", "Host: "+host)
	b.waitAccess(`"GET /\?x=2 `)
	for _, line := range b.access() {
		if strings.Contains(line, link[1]) {
			t.Error(line)
		}
	}
}

func TestGoldenExampleBehindNginx(t *testing.T) {
	t.Parallel()
	b := startBehind(t, "behind-nginx", "uwsgi+unix:")
	site := b.exported(t, "nginx", "uwsgi+unix:", "behind-nginx/nginx.conf")
	// Debian's nginx.conf includes the types, the tests' own does not.
	b.serves(t, nginx(t, b.listen, "include /etc/nginx/mime.types;\n"+strings.Replace(site, "listen 80;", "listen "+b.listen+";", 1)))
}

func TestGoldenExampleBehindApache(t *testing.T) {
	t.Parallel()
	b := startBehind(t, "behind-apache", "unix:")
	site := b.exported(t, "apache", "unix:", "behind-apache/apache.conf")
	b.serves(t, apache(t, b.listen, strings.Replace(site, "*:80>", b.listen+">", 1)))
}

func TestExampleBehindCaddy(t *testing.T) {
	t.Parallel()
	caddy := program(t, "caddy")
	b := startBehind(t, "behind-caddy", "unix:")
	text, err := os.ReadFile(filepath.Join(b.dir, "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	// The name alone would be HTTPS with a certificate from outside.
	_, port, _ := net.SplitHostPort(b.listen)
	site := strings.Replace(string(text), "\nwhoami.example.org {", "\nhttp://whoami.example.org:"+port+" {", 1)
	write(t, b.dir, map[string]string{"Caddyfile": "{\n\tadmin off\n}\n" + strings.NewReplacer(b.places()...).Replace(site)})
	b.serves(t, runNeighbour(t, b.listen, b.dir, nil, caddy, "run", "--config", "Caddyfile"))
	// What Caddy says of HTTPS counts.
	if page := b.want(200, "/", "Host: whoami.example.org", "X-Forwarded-Proto: https").Body; !holds(page, "page is <b>https://whoami.example.org/</b>") {
		t.Error(page)
	}
}
