package integration

import (
	"path/filepath"
	"strings"
	"testing"
)

// Servers of nginx at several addresses, imported: which one answers follows from the address first, then from the host.
func TestImportNginxAddresses(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	site := `server { listen 127.0.0.1:PORT; listen 127.0.0.2:PORT; server_name shop.example.org; location / { return 200 "shop"; } location /only { return 200 "only"; } }
server { listen 127.0.0.1:PORT; server_name docs.example.org; location / { return 200 "docs"; } }
server { listen 127.0.0.2:PORT default_server; server_name admin.example.org; location / { return 200 "admin"; } }
server { listen 127.0.0.3:PORT; server_name shop.example.org; location /x { return 200 "third"; } location /closed { deny all; } }
server { listen 127.0.0.4:PORT; location / { allow 192.0.2.1; deny all; root DIR; } }
`
	dir := project(t, map[string]string{"app.py": hello("the app"), "a.txt": "a"})
	site = strings.ReplaceAll(site, "DIR", dir)
	nginx(t, "127.0.0.1:"+port, strings.ReplaceAll(site, "PORT", port))
	write(t, dir, map[string]string{"site.conf": strings.ReplaceAll(site, "PORT", "0")})
	imported(t, dir, nil, "nginx", "site.conf")
	s := start(t, opts{Dir: dir, Bare: true, HTTP1: true, Args: []string{"-c", filepath.Join(dir, "standpipe.toml"), "--log-format", "json"}})
	list := addresses(s)
	if len(list) != 4 {
		t.Fatalf("%q", list)
	}
	for _, a := range list {
		a = strings.TrimPrefix(a, "http://")
		host, _, _ := strings.Cut(a, ":")
		for _, name := range []string{"shop.example.org", "docs.example.org", "admin.example.org", "none.example.org"} {
			for _, target := range []string{"/", "/only", "/x", "/closed", "/a.txt"} {
				one, other := s.at(host+":"+port).get(target, "Host: "+name), s.at(a).get(target, "Host: "+name)
				if one.Status != other.Status || one.Status == 200 && one.Body != other.Body {
					t.Errorf("%s %s%s: nginx has %d %q, standpipe %d %q", host, name, target, one.Status, one.Body, other.Status, other.Body)
				}
			}
		}
	}
}
