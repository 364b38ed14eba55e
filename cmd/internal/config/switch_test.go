package config

import "testing"

func TestPreloadFromEverywhere(t *testing.T) {
	for name, c := range map[string]struct {
		toml, flag, env string
		want            bool
	}{
		"default":        {want: false},
		"true":           {toml: "[[app]]\npreload = true\n", want: true},
		"a text":         {toml: "[[app]]\npreload = \"on\"\n", want: true},
		"false":          {toml: "[[app]]\npreload = false\n", want: false},
		"flag":           {flag: "on", want: true},
		"flag over file": {toml: "[[app]]\npreload = true\n", flag: "off", want: false},
		"variable":       {env: "1", want: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, "app.py")
			if c.toml != "" {
				p.toml(c.toml)
			}
			if c.flag != "" {
				p.flag("preload", c.flag)
			}
			if c.env != "" {
				p.env("STANDPIPE_PRELOAD=" + c.env)
			}
			cfg, _ := p.load()
			if cfg.Apps[0].Life.Preload != c.want {
				t.Errorf("%v, want %v", cfg.Apps[0].Life.Preload, c.want)
			}
		})
	}
	p := newProject(t, "app.py")
	p.toml("[[app]]\nmount = true\n") // a boolean where none belongs
	p.wrong("standpipe.toml:2")
}

// Each setting with a host refuses what no resolver would look up.
func TestHostsThatAreNone(t *testing.T) {
	p := newProject(t, "app.py")
	p.toml(`redis = "redis://a..b"
[[listen]]
address = "a..b:80"
hosts = ["[::1"]
[[access]]
path = "/a"
forward_auth = "http://a*:80/x"
[acme]
https = ["a..b.org"]
acme_ca = ["https://1.2.3/dir"]
acme_dns = "rfc2136"
acme_dns_server = "[a.org]:53"
acme_dns_resolvers = ["192.0.2.1", "a:0"]
acme_ask = "http://-a"
[[route]]
path = "/x"
upstreams = ["http://0[0:80"]
dns_servers = ["[::1]:0"]
[route.health]
path = "/"
host = "a b"
[route.cors]
origins = ["https://a*b.org", "https://*.a..org", "https://*.a.org", "null"]
`)
	p.wrong("standpipe.toml:1: host", "standpipe.toml:3: address a..b:80", "standpipe.toml:4: [::1", "standpipe.toml:7: forward_auth a*", "standpipe.toml:9: a..b.org",
		"standpipe.toml:10: acme_ca 1.2.3", "standpipe.toml:12: acme_dns_server [a.org]", "standpipe.toml:13: acme_dns_resolvers port", "standpipe.toml:14: acme_ask -a",
		"standpipe.toml:17: upstreams 0[0", "standpipe.toml:18: dns_servers [::1]:0", "standpipe.toml:21: host", "standpipe.toml:23: origins a*b", "standpipe.toml:23: origins a..org")
}
