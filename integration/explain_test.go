package integration

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/integration/testca"
)

// explained is what check --explain --json says, as far as the test reads it.
type explained struct {
	Address, Answer, Name, Says, Path, Mount, Location string
	Status                                             int
	Steps                                              []struct{ What, Name, Wants, Fails string }
}

func TestExplain(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("app"), "site/a.txt": "a", "own/b.txt": "b", "standpipe.toml": `[[listen]]
address = "127.0.0.1:8080"
[[listen]]
address = "127.0.0.1:8081"
redirect_https = true
[[listen]]
address = "https://127.0.0.1:8443"
[tls]
tls_cert = "cert.pem"
tls_key = "key.pem"
[[static]]
url = "/media"
dir = "site"
missing = "app"
[[access]]
path = "/private"
allow = ["10.0.0.0/8"]
[[route]]
path = "/old"
hosts = ["shop.example.org"]
redirect = "https://new.example.org{path}?{query}"
status = 301
[[route]]
path = "/beta"
match_fields = { X-Beta = "1" }
clients = ["192.0.2.0/24"]
respond = 403
[[route]]
path = "/api"
replace_prefix = "/v2"
upstreams = ["http://127.0.0.1:1", "http://127.0.0.1:2"]
[[route]]
path = "/store"
strip_prefix = true
app = "shop"
[[app]]
name = "shop"
module = "app:app"
[[app.static]]
url = "/own"
dir = "own"
[[app]]
name = "other"
module = "app:app"
mount = "/m"
hosts = ["m.example.org"]
`})
	testca.SelfSigned(t, testca.For("shop.example.org")).Write(t, dir+"/cert.pem", dir+"/key.pem")
	for _, c := range []struct {
		args []string
		want explained
		last string // of the steps: what, name and fails
	}{
		{[]string{"GET http://shop.example.org:8080/old/x?y"}, explained{Address: "127.0.0.1:8080", Answer: "route", Name: "standpipe.toml:18", Status: 301, Location: "https://new.example.org/old/x?y"}, "route standpipe.toml:18 "},
		{[]string{"GET http://h:8080/old/x"}, explained{Address: "127.0.0.1:8080", Answer: "app", Name: "shop", Path: "/old/x"}, "app shop "},
		{[]string{"http://h:8081/x"}, explained{Address: "127.0.0.1:8081", Answer: "redirect", Status: 308, Location: "https://h:8443/x"}, "health  passes"},
		{[]string{"GET https://h/beta", "-H", "X-Beta: 1", "--client", "192.0.2.7"}, explained{Address: "https://127.0.0.1:8443", Answer: "route", Name: "standpipe.toml:23", Status: 403}, "route standpipe.toml:23 "},
		{[]string{"GET https://h/beta", "-H", "X-Beta: 1"}, explained{Address: "https://127.0.0.1:8443", Answer: "app", Name: "shop", Path: "/beta"}, "app shop "},
		{[]string{"POST http://h:8080/api/x?q"}, explained{Address: "127.0.0.1:8080", Answer: "route", Name: "standpipe.toml:28", Says: "asks http://127.0.0.1:1, http://127.0.0.1:2", Path: "/v2/x?q"}, "route standpipe.toml:28 "},
		{[]string{"http://h:8080/store/x"}, explained{Address: "127.0.0.1:8080", Answer: "app", Name: "shop", Mount: "/store", Path: "/x"}, "route standpipe.toml:32 "},
		{[]string{"http://m.example.org:8080/m/x"}, explained{Address: "127.0.0.1:8080", Answer: "app", Name: "other", Mount: "/m", Path: "/x"}, "app other "},
		{[]string{"http://h:8080/media/a.txt"}, explained{Address: "127.0.0.1:8080", Answer: "static file", Status: 200}, "static standpipe.toml:11 "},
		{[]string{"http://h:8080/media/none"}, explained{Address: "127.0.0.1:8080", Answer: "app", Name: "shop", Path: "/media/none"}, "app shop "},
		{[]string{"http://h:8080/own/b.txt"}, explained{Address: "127.0.0.1:8080", Answer: "static file", Status: 200}, "app shop "},
		{[]string{"http://h:8080/private/x"}, explained{Address: "127.0.0.1:8080", Answer: "access", Status: 403}, "access /private "},
		{[]string{"http://h:8080/private/x", "--client", "10.1.2.3"}, explained{Address: "127.0.0.1:8080", Answer: "app", Name: "shop", Path: "/private/x"}, "app shop "},
		{[]string{"/livez"}, explained{Address: "127.0.0.1:8080", Answer: "health check", Status: 200}, ""}, // of localhost
		{[]string{"http://h:8080/livez"}, explained{Address: "127.0.0.1:8080", Answer: "health check", Status: 200}, ""},
		{[]string{"http://h:8080/x/..%2fy"}, explained{Address: "127.0.0.1:8080", Answer: "limits", Status: 400}, "health  passes"},
	} {
		r := run(t, dir, nil, append([]string{"check", "--json", "--explain"}, c.args...)...)
		var got explained
		if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.code != 0 {
			t.Fatalf("%q: %d %s%s", c.args, r.code, r.out, r.errout)
		}
		last := ""
		if n := len(got.Steps); n > 0 {
			last = got.Steps[n-1].What + " " + got.Steps[n-1].Name + " " + got.Steps[n-1].Fails
		}
		steps := got.Steps
		got.Steps = nil
		if got.Address != c.want.Address || got.Answer != c.want.Answer || got.Name != c.want.Name || got.Says != c.want.Says || got.Path != c.want.Path || got.Mount != c.want.Mount || got.Location != c.want.Location ||
			got.Status != c.want.Status || last != c.last {
			t.Errorf("%q:\n%+v, last %q\nwant %+v, last %q\n%+v", c.args, got, last, c.want, c.last, steps)
		}
	}
	// For people; and what is wrong.
	r := run(t, dir, nil, "check", "--explain", "GET http://h:8080/old/x")
	if r.code != 0 || !strings.Contains(r.out, "standpipe.toml:18  path /old/, hosts shop.example.org: no, hosts shop.example.org does not match\n") || !strings.HasSuffix(r.out, "\napp shop, path /old/x\n") {
		t.Errorf("%d %s%s", r.code, r.out, r.errout)
	}
	for _, args := range [][]string{{"--explain", "x"}, {"--explain", "ftp://h/x"}, {"--explain", "G@T http://h/"}, {"--explain", "http://h/", "-H", "x"}, {"--explain", "http://h/", "-H", "Host: x"}, {"--explain", "http://h/", "--client", "x"}, {"-H", "a: b"}} {
		if r := run(t, dir, nil, append([]string{"check"}, args...)...); r.code != 2 {
			t.Errorf("%q: %d %s", args, r.code, r.out)
		}
	}
}
