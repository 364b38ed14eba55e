package config

import (
	"slices"
	"testing"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Names of this machine alone have certificates of the local CA, and addresses that this machine alone reaches and any user may
// listen on; other names have those of a public CA.
func TestLocalNames(t *testing.T) {
	p := newProject(t, "app.py")
	p.in.Environ = append(p.in.Environ, "HOME=/home/ann")
	for _, c := range []struct {
		https, env, listen string
		local, public      []string
	}{
		{"localhost", "", "https://127.0.0.1:8443", []string{"localhost"}, nil},
		{"*.localhost,shop.localhost", "", "https://127.0.0.1:8443", []string{"*.localhost", "shop.localhost"}, nil},
		{"::1", "", "https://[::1]:8443", []string{"::1"}, nil},
		{"localhost,127.0.0.1,::1", "", "https://127.0.0.1:8443 https://[::1]:8443", []string{"127.0.0.1", "::1", "localhost"}, nil},
		{"localhost", "PORT=5000", "https://0.0.0.0:5000", []string{"localhost"}, nil},
		{"localhost,shop.example.org", "", "https://:443 :80", []string{"localhost"}, []string{"shop.example.org"}},
	} {
		p.in.Flags = []schema.Flag{{Name: "https", Values: []string{c.https}}}
		in := p.in
		if c.env != "" {
			in.Environ = append(slices.Clone(in.Environ), c.env)
		}
		cfg, _, err := Load(in)
		if err != nil {
			t.Errorf("%s: %v", c.https, err)
			continue
		}
		listen := ""
		for _, l := range cfg.Listen {
			listen += " " + l.String()
		}
		if listen[1:] != c.listen || !slices.Equal(cfg.AutomaticNames().Local, c.local) || !slices.Equal(cfg.AutomaticNames().Public, c.public) {
			t.Errorf("%s: %s %v %v", c.https, listen, cfg.AutomaticNames().Local, cfg.AutomaticNames().Public)
		}
		if (cfg.ACME.Storage != "") != (c.public != nil) || cfg.ACME.LocalCA == "" {
			t.Errorf("%s: %+v", c.https, cfg.ACME)
		}
	}
	p.in.Flags = nil
	p.toml("[acme]\nhttps = \"hosts\"\n[[app]]\nname = \"shop\"\nmodule = \"app:app\"\nhosts = [\"shop.localhost\", \"shop.example.org\", \"*.example.org\"]\n")
	if cfg, _ := p.load(); !slices.Equal(cfg.AutomaticNames().Local, []string{"shop.localhost"}) || !slices.Equal(cfg.AutomaticNames().Public, []string{"shop.example.org"}) {
		t.Error(cfg.AutomaticNames().Local, cfg.AutomaticNames().Public)
	}
	for _, bad := range []string{"localhost:8443", "*.*.localhost", "[::1]", "*.example.org", "shop"} {
		p.toml("[acme]\nhttps = \"" + bad + "\"\n")
		p.wrong(bad)
	}
	p.in.Environ = []string{"PATH=/usr/bin:/bin"}
	p.toml("[acme]\nhttps = \"localhost\"\n")
	p.wrong("HOME")
}
