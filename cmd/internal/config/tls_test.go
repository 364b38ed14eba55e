package config

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTLS(t *testing.T) {
	p := newProject(t, "app.py", "a.pem", "a.key", "ca.pem")
	p.toml("bind = [\"https://:8443\", \":8080\"]\n[tls]\ntls_cert = \"a.pem\"\ntls_key = \"a.key\"\n[[certificate]]\ncert = \"a.pem\"\n")
	cfg, _ := p.load()
	if all := cfg.AllCertificates(); len(all) != 2 || all[0].Cert != p.in.Dir+"/a.pem" || all[0].Key != p.in.Dir+"/a.key" || all[1].Key != all[1].Cert {
		t.Errorf("%+v", all)
	}
	if cfg.Listen[0].Protocol != "https" || cfg.Listen[1].Protocol != "http" || cfg.TLS.Min != "1.2" || cfg.TLS.ClientAuth != "off" {
		t.Errorf("%+v %+v", cfg.Listen, cfg.TLS)
	}
	// As gunicorn's --certfile: an address without a protocol speaks https.
	p.toml("bind = [\":8443\", \"unix:a.sock\"]\n[tls]\ntls_cert = \"a.pem\"\nclient_ca = \"ca.pem\"\n")
	if cfg, _ = p.load(); cfg.Listen[0].Protocol != "https" || cfg.Listen[1].Protocol != "http" || cfg.TLS.ClientAuth != "require" {
		t.Errorf("%+v %+v", cfg.Listen, cfg.TLS)
	}
	// A reload changes all of it.
	p.toml("bind = \"https://:8443\"\n[[certificate]]\ncert = \"a.pem\"\n")
	before, _ := p.load()
	p.toml("bind = \"https://:8443\"\n[tls]\nhsts = \"max-age=1\"\ntls_min = \"1.3\"\n[[certificate]]\ncert = \"a.pem\"\n[[certificate]]\ncert = \"ca.pem\"\n")
	after, _ := p.load()
	if got := before.Fixed(after); !slices.Equal(got, []string(nil)) {
		t.Error(got)
	}
	for text, want := range map[string]string{
		"bind = \"https://:1\"\n":                                  "no certificate",
		"[tls]\ntls_cert = \"nope.pem\"\n":                         "nope.pem",
		"[tls]\ntls_key = \"a.key\"\n":                             "tls_cert",
		"[tls]\ntls_cert = \"a.pem\"\nclient_auth = \"request\"\n": "client_ca",
		"[tls]\nhsts = \"on\"\n":                                   "max-age",
		"[tls]\ntls_cert = \"a.pem\"\n[[listen]]\naddress = \"https://:1\"\nredirect_https = \"on\"\n": "redirect_https",
	} {
		p.toml(text)
		p.wrong(want)
	}
}

// An address has settings of its own for certificates of clients, or those of [tls].
func TestTLSOfAddresses(t *testing.T) {
	p := newProject(t, "app.py", "a.pem", "a.key", "ca.pem", "other.pem")
	head := "[tls]\ntls_cert = \"a.pem\"\ntls_key = \"a.key\"\n"
	public, partners := "[[listen]]\naddress = \"https://:443\"\n", "[[listen]]\naddress = \"https://:8443\"\n"
	for text, want := range map[string][4]string{
		head + public + partners + "client_ca = \"ca.pem\"\n":                                                   {"off", "", "require", "ca.pem"},
		head + public + partners + "client_ca = \"ca.pem\"\nclient_auth = \"request\"\n":                        {"off", "", "request", "ca.pem"},
		head + "client_ca = \"ca.pem\"\n" + public + partners + "client_auth = \"request\"\n":                   {"require", "ca.pem", "request", "ca.pem"},
		head + "client_ca = \"ca.pem\"\n" + public + "client_auth = \"off\"\n" + partners:                       {"off", "", "require", "ca.pem"},
		head + "client_ca = \"ca.pem\"\n" + public + partners + "client_ca = \"other.pem\"\n":                   {"require", "ca.pem", "require", "other.pem"},
		head + public + partners + "client_ca = \"ca.pem\"\nclient_auth = \"off\"\nhosts = [\"A.example.org\"]": {"off", "", "off", "ca.pem"},
	} {
		p.toml(text)
		cfg, _ := p.load()
		one, two := cfg.Listen[0], cfg.Listen[1]
		if got := [4]string{one.ClientAuth, base(one.ClientCA), two.ClientAuth, base(two.ClientCA)}; got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
		if warned := slices.ContainsFunc(cfg.Warnings, func(w string) bool { return strings.Contains(w, "certificates of clients") }); warned != (one.ClientAuth != two.ClientAuth && (one.ClientAuth == "require" || two.ClientAuth == "require")) {
			t.Errorf("%s: %q", text, cfg.Warnings)
		}
	}
	p.toml(head + public + partners)
	before, _ := p.load()
	p.toml(head + partners + "client_ca = \"ca.pem\"\nhosts = [\"p.example.org\"]\n" + public)
	after, _ := p.load()
	if got := before.Reloaded(after); got[0].Hosts != nil || got[0].Address != ":443" || !slices.Equal(got[1].Hosts, []string{"p.example.org"}) || got[1].ClientAuth != "require" {
		t.Errorf("%+v", got)
	}
	p.toml(head + public + partners + "client_ca = \"ca.pem\"\nhosts = [\"p.example.org\"]\n")
	if after, _ = p.load(); len(before.Fixed(after)) > 0 {
		t.Error(before.Fixed(after))
	}
	for text, want := range map[string]string{
		head + public + "[[listen]]\naddress = \":80\"\nclient_auth = \"off\"\n": "client_auth",
		head + public + "client_auth = \"request\"\n":                            "client_ca",
		head + public + "client_ca = \"gone.pem\"\n":                             "gone.pem",
		head + public + "hosts = [\"a:80\"]\n":                                   "port",
	} {
		p.toml(text)
		p.wrong(want)
	}
}

func base(path string) string {
	if path == "" {
		return ""
	}
	return filepath.Base(path)
}
