package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseUpstream(t *testing.T) {
	for text, want := range map[string]string{
		"http://127.0.0.1:3000": "http://127.0.0.1:3000", "http://Example.org": "http://example.org:80", "https://a.org/": "https://a.org:443", "http://[::1]:1": "http://[::1]:1",
		"http://[::1]": "http://[::1]:80", "uwsgi://localhost:3031": "uwsgi://localhost:3031", "uwsgi+unix:/run/a": "uwsgi+unix:/run/a", "http+unix:a.sock": "http+unix:/base/a.sock",
		"http+unix:///run/a": "http+unix:/run/a", "http://[0:0::1%Eth0]": "http://[::1%Eth0]:80", "uwsgi://A_b.org.:1": "uwsgi://a_b.org.:1", "srv+http://_http._tcp.A": "srv+http://_http._tcp.a",
	} {
		if got, err := ParseUpstream(text, "/base"); err != nil || got.String() != want {
			t.Errorf("%q = %q, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "", "127.0.0.1:3000": "127.0.0.1:3000", "ftp://x": "ftp", "https+unix:/x": "https+unix", "http://": "host", "http://:80": "host", "http://a/b": "http://a/b", "http://u:p@a": "host",
		"uwsgi://a": "port", "http://a:x": "x", "http://a:0": "0", "http://::1": "::1", "uwsgi+unix:": "uwsgi+unix:", "uwsgi+unix:/" + strings.Repeat("x", 200): "201",
		"http://0[0": "brackets", "http://0[0:80": "brackets", "http://[a.org]:80": "brackets", "http://a,b": "letters", "http://1.2.3": "four numbers", "http://b\u00fccher.org": "xn--", "http://a..b": "dots", "http://a:": "colon",
		"srv+http://a..b": "dots", "srv+http://b*": "letters", "http://" + strings.Repeat("a", 64): "63",
	} {
		if u, err := ParseUpstream(text, "/base"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q = %+v, %v; want an error with %q", text, u, err, want)
		}
	}
}

func TestRoutes(t *testing.T) {
	p := newProject(t, "app.py")
	p.toml(`[[route]]
path = "/legacy/"
hosts = ["Shop.example.org."]
handler = "proxy"
upstreams = ["uwsgi://127.0.0.1:3031", "uwsgi+unix:old.sock"]
strip_prefix = true
read_timeout = "5m"
[[route]]
handler = "proxy"
upstreams = ["http://127.0.0.1:3000"]
path = "/live"
request_buffering = "off"
`)
	cfg, src := p.load()
	if len(cfg.Routes) != 2 {
		t.Fatalf("%+v", cfg.Routes)
	}
	a, b := cfg.Routes[0], cfg.Routes[1]
	if a.Path != "/legacy" || a.Hosts[0] != "shop.example.org" || !a.StripPrefix || a.ReadTimeout != 5*time.Minute || a.ConnectTimeout != 5*time.Second || a.RequestBuffering != "on" ||
		a.Balance.Upstreams[0] != (Upstream{"uwsgi", "tcp", "127.0.0.1:3031"}) || a.Balance.Upstreams[1] != (Upstream{"uwsgi", "unix", p.dir + "/old.sock"}) {
		t.Errorf("%+v", a)
	}
	if b.Path != "/live" || b.StripPrefix || b.RequestBuffering != "off" || b.SendTimeout != time.Minute {
		t.Errorf("%+v", b)
	}
	shown := map[string]string{}
	for _, e := range cfg.Effective(src) {
		shown[e.Key] = e.Value + " " + e.Source
	}
	if shown["route.0.path"] != "/legacy standpipe.toml:2" || shown["route.1.upstreams"] != "http://127.0.0.1:3000 standpipe.toml:10" || shown["route.1.read_timeout"] != "60s default" {
		t.Errorf("%v", shown)
	}
}

func TestRoutesThatAreWrong(t *testing.T) {
	p := newProject(t, "app.py")
	p.toml(`[[listen]]
address = "uwsgi://127.0.0.1:3031"
protocol = "http"
[[listen]]
address = "127.0.0.1:8000"
[[route]]
path = "legacy"
hosts = ["http://x"]
handler = "static"
upstreams = ["127.0.0.1:1"]
strip_prefx = true
[[route]]
path = "/a//b"
upstreams = ["http://127.0.0.1:8000", "http://a:1", "http://a:1"]
[[route]]
path = "/x"
handler = "proxy"
upstreams = []
[[route]]
path = "/x/"
handler = "proxy"
upstreams = ["http://a:1"]
[[route]]
`)
	p.wrong(
		"standpipe.toml:3: protocol address",
		`standpipe.toml:7: path legacy`,
		`standpipe.toml:8: [[route]] http://x`,
		`standpipe.toml:9: handler static`,
		`standpipe.toml:10: upstreams 127.0.0.1:1`,
		"standpipe.toml:11: strip_prefx strip_prefix",
		`standpipe.toml:13: [[route]] path /a//b`,
		"standpipe.toml:14: [[route]] upstreams http://127.0.0.1:8000",
		"standpipe.toml:14: [[route]] upstreams http://a:1",
		"standpipe.toml:18: [[route]] upstreams",
		"standpipe.toml:20: [[route]] path /x",
		"standpipe.toml:23: [[route]] has no handler upstreams respond",
	)
}

// What the address begins with is the protocol, unless the key says so.
func TestListenSpeaksUwsgi(t *testing.T) {
	p := newProject(t, "app.py")
	p.toml("[[listen]]\naddress = \"uwsgi+unix:s\"\n[[listen]]\nprotocol = \"uwsgi\"\naddress = \"127.0.0.1:1\"\n[[listen]]\naddress = \"fd://3\"\nprotocol = \"uwsgi\"\n")
	cfg, _ := p.load()
	var got []string
	for _, l := range cfg.Listen {
		got = append(got, l.Protocol+" "+l.String())
	}
	if s := strings.Join(got, ", "); s != "uwsgi uwsgi+unix:"+p.dir+"/s, uwsgi uwsgi://127.0.0.1:1, uwsgi uwsgi+fd://3" {
		t.Error(s)
	}
}

func TestUpstreamTables(t *testing.T) {
	p := newProject(t, "app.py")
	p.toml(`[[route]]
handler = "proxy"
balance = "hash:field:x-user"
retry_on = ["error", 503]
[[route.upstream]]
address = "http://a:1"
weight = 3
max_conns = 7
[[route.upstream]]
address = "http+unix:b.sock"
backup = true
[[route.upstream]]
address = "https://c"
down = true
[route.health]
path = "/health"
status = [200, "300-302"]
[[route]]
path = "/x"
handler = "proxy"
upstream = [{ address = "uwsgi://d:1" }]
health = { interval = "1s", rise = 1 }
`)
	cfg, src := p.load()
	a, b := cfg.Routes[0].Balance, cfg.Routes[1].Balance
	want := []Server{{At: Upstream{"http", "tcp", "a:1"}, Weight: 3, MaxConns: 7}, {At: Upstream{"http", "unix", p.dir + "/b.sock"}, Weight: 1, Backup: true}, {At: Upstream{"https", "tcp", "c:443"}, Weight: 1, Down: true}}
	if !slices.Equal(a.All(), want) || a.Policy != (Policy{"hash", "field", "X-User"}) || a.Health.Every() != 5*time.Second || fmt.Sprint(a.Health.Statuses) != "[[200 200] [300 302]]" {
		t.Errorf("%+v", a)
	}
	if onError, onTimeout, statuses := a.Retries(); !onError || onTimeout || !slices.Equal(statuses, []int{503}) {
		t.Errorf("%v", a.RetryOn)
	}
	if b.All()[0].At.Scheme != "uwsgi" || b.Health.Every() != time.Second || b.Health.Rise != 1 || b.Health.Fall != 2 || b.Policy.Kind != "p2c" || b.Tries != 3 {
		t.Errorf("%+v", b)
	}
	shown := map[string]string{}
	for _, e := range cfg.Effective(src) {
		shown[e.Key] = e.Value + " " + e.Source
	}
	if shown["route.0.upstream.0.weight"] != "3 standpipe.toml:7" || shown["route.0.upstream.1.weight"] != "1 default" || shown["route.0.health.status"] != "200,300-302 standpipe.toml:17" || shown["route.0.balance"] != "hash:field:X-User standpipe.toml:3" {
		t.Errorf("%v", shown)
	}
}

func TestUpstreamTablesThatAreWrong(t *testing.T) {
	p := newProject(t, "app.py")
	p.toml(`[[route]]
handler = "proxy"
upstreams = ["http://a:1"]
[[route.upstream]]
address = "http://a:2"
[[route]]
path = "/2"
handler = "proxy"
balance = "random"
retry_on = ["500", "never"]
retry_budget = 101
[[route.upstream]]
weight = 0
[[route.upstream]]
address = "a:2"
wieght = 1
[[route]]
path = "/3"
handler = "proxy"
balance = "hash:field"
sticky_secret = "short"
[[route.upstream]]
address = "http://a:1"
backup = true
[[route.upstream]]
address = "http://a:1"
down = true
[route.health]
interval = "1ms"
status = [99]
rise = 0
body = "x"
[[route]]
path = "/4"
handler = "proxy"
balance = "ip_hash"
slow_start = "30s"
eject_time = 0
sticky_cookie = "a b"
[[route.upstream]]
address = "http://127.0.0.1:8000"
[[route]]
path = "/5"
handler = "proxy"
`)
	p.wrong(
		"standpipe.toml:3: upstreams [[route.upstream]]",
		"standpipe.toml:9: balance random",
		"standpipe.toml:10: retry_on never",
		"standpipe.toml:11: retry_budget 101",
		"standpipe.toml:12: [[route.upstream]] address",
		"standpipe.toml:13: weight 0",
		"standpipe.toml:15: address a:2",
		"standpipe.toml:16: wieght weight",
		"standpipe.toml:20: balance hash:field:NAME",
		"standpipe.toml:21: sticky_secret 5",
		"standpipe.toml:22: [[route.upstream]] backup",
		"standpipe.toml:26: [[route.upstream]] http://a:1",
		"standpipe.toml:28: [route.health] path",
		"standpipe.toml:29: interval 1ms",
		"standpipe.toml:30: status 99",
		"standpipe.toml:31: rise 0",
		"standpipe.toml:37: slow_start ip_hash",
		"standpipe.toml:38: eject_time",
		"standpipe.toml:39: sticky_cookie",
		"standpipe.toml:41: address 127.0.0.1:8000",
		"standpipe.toml:42: [[route]] upstreams",
	)
}

func TestUpstreamsFile(t *testing.T) {
	list, err := parseServers(strings.NewReader("# all\n\nhttp://a:1 weight=3 max_conns=7 backup # one\nuwsgi+unix:x.sock down\n"), "/base/list")
	want := []Server{{At: Upstream{"http", "tcp", "a:1"}, Weight: 3, MaxConns: 7, Backup: true}, {At: Upstream{"uwsgi", "unix", "/base/x.sock"}, Weight: 1, Down: true}}
	if err != nil || !slices.Equal(list, want) {
		t.Errorf("%+v, %v", list, err)
	}
	for text, want := range map[string]string{"x": "/base/list:1", "http://a:1 weight=0": "weight", "\nhttp://a:1 fast": ":2", "http://a:1 weight=x": "weight", "http://a:1 max_conns=-1": "max_conns", strings.Repeat("http://a:1\n", 65): ":65"} {
		if _, err := parseServers(strings.NewReader(text), "/base/list"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzUpstreamsFile(f *testing.F) {
	f.Add("http://a:1 weight=3 max_conns=7 backup # one\nsrv+http://_http._tcp.a down\n")
	f.Add("http://0[0:80\n")
	f.Add("http://0[0\nhttps://[::1%Eth0]\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseServers(strings.NewReader(text), "/base/list")
		for _, s := range list {
			if again, err := ParseUpstream(s.At.String(), "/"); err != nil || again != s.At || s.Weight < 1 {
				t.Errorf("%+v: %v, %v", s, again, err)
			}
		}
		if err != nil && list != nil {
			t.Errorf("%v with an error", list)
		}
	})
}

func TestFinding(t *testing.T) {
	p := newProject(t, "app.py")
	p.write("list", "http://c:1\n")
	p.toml("[[route]]\nupstreams = [\"http://a:1\", \"http://127.0.0.1:1\", \"srv+https://_https._tcp.A.example\"]\nresolve = true\nupstreams_file = \"list\"\ndns_servers = [\"192.0.2.1\", \"[::1]:54\"]\n")
	cfg, _ := p.load()
	b := cfg.Routes[0].Balance
	var got []string
	for _, s := range b.All() {
		got = append(got, fmt.Sprint(s.At, " ", b.Find.NeedsLookup(s.At)))
	}
	if fmt.Sprint(got) != "[http://a:1 true http://127.0.0.1:1 false srv+https://_https._tcp.a.example true http://c:1 true]" || fmt.Sprint(b.Find.DNSServers) != "[192.0.2.1:53 [::1]:54]" {
		t.Errorf("%q %q", got, b.Find.DNSServers)
	}
	p.toml("[[route]]\nupstreams_file = \"none\"\n[[route]]\npath = \"/x\"\nupstreams = [\"srv+http://a:80\", \"http://a\"]\ndns_servers = [\"dns.example\"]\n[[route]]\npath = \"/y\"\nredirect = \"/z\"\nresolve = true\n")
	p.wrong("standpipe.toml:2: upstreams_file none", "standpipe.toml:5: upstreams srv+http://a:80", "standpipe.toml:6: dns_servers dns.example", "standpipe.toml:10: resolve redirect")
}
