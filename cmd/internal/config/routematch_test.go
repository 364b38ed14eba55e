package config

import "testing"

func TestRouteConditions(t *testing.T) {
	p := newProject(t, "app.py")
	p.toml(`[[route]]
path = "/a"
handler = "proxy"
upstreams = ["http://a:1"]
path_exact = ["/a/b"]
match_fields = { X-Beta = "!~=" }
match_query = { a = "" }
clients = ["192.0.2.7", "10.0.0.0/8"]
[[route]]
path = "/a"
handler = "proxy"
upstreams = ["http://a:1"]
`)
	cfg, src := p.load()
	m := cfg.Routes[0].Conditions()
	if m.Exact[0] != "/a/b" || m.Fields[0].Pattern != "!~=" || m.Parameters[0].Name != "a" || m.Clients[1].String() != "10.0.0.0/8" {
		t.Errorf("%+v", m)
	}
	shown := map[string]string{}
	for _, e := range cfg.Effective(src) {
		shown[e.Key] = e.Value
	}
	if shown["route.0.clients"] != "192.0.2.7,10.0.0.0/8" || shown["route.0.match_fields"] != "X-Beta=!~=" {
		t.Errorf("%v", shown)
	}
}

func TestRouteConditionsThatAreWrong(t *testing.T) {
	p := newProject(t, "app.py")
	p.toml(`[[route]]
path_exact = ["a"]
path_glob = ["*.php"]
path_regex = ["^/(?!admin)"]
methods = ["get"]
match_fields = { Host = "x", "a b" = "1" }
match_query = { q = "~(" }
clients = ["10.0.0.1/8", "loopback"]
scheme = "ftp"
upstreams = ["http://a:1"]
handler = "proxy"
[[route]]
clients = ["loopback"]
upstreams = ["http://a:1"]
handler = "proxy"
`)
	p.wrong("standpipe.toml:2: path_exact a", "standpipe.toml:3: path_glob /**/*.php", "standpipe.toml:4: path_regex (?! RE2's", "standpipe.toml:5: methods GET",
		"standpipe.toml:6: match_fields hosts", `standpipe.toml:6: match_fields`, "standpipe.toml:7: match_query", "standpipe.toml:8: clients 10.0.0.0/8", "standpipe.toml:9: scheme ftp",
		"standpipe.toml:13: clients loopback 192.0.2.7")
}
