package config

import (
	"slices"
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
