package config

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// TLS is how HTTPS is spoken at all addresses that speak it.
type TLS struct {
	Cert       string `key:"tls_cert"` // of the first certificate; empty: [[certificate]] has all of them
	Key        string `key:"tls_key"`
	Min        string `key:"tls_min"` // "1.2" or "1.3"
	ClientCA   string `key:"client_ca"`
	ClientAuth string `key:"client_auth"` // "off", "request" or "require"
	HSTS       string `key:"hsts"`        // the value of Strict-Transport-Security; "off": there is none
}

var clientAuths = []string{"off", "request", "require"}

// Settings are those of [tls].
func (*TLS) Settings() schema.Group {
	return schema.Group{Key: "tls", Settings: []schema.Setting{
		{Key: "tls_cert", Kind: schema.Path, Flags: []string{"tls-cert", "certfile"}, Reload: true},
		{Key: "tls_key", Kind: schema.Path, Flags: []string{"tls-key", "keyfile"}, Derived: "the file of tls_cert", Reload: true},
		{Key: "tls_min", Kind: schema.Choice, Choices: []string{"1.2", "1.3"}, Default: "1.2", Reload: true},
		{Key: "client_ca", Kind: schema.Path, Flags: []string{"client-ca", "ca-certs"}, Reload: true},
		{Key: "client_auth", Kind: schema.Choice, Choices: clientAuths, Default: "off", Derived: "require when client_ca is set", Reload: true},
		{Key: "hsts", Kind: schema.Text, Default: "off", Reload: true},
	}}
}

// Check finds files that are missing, and settings that do not fit together. Whether certificates
// are good is found at the start, by a user who can read the keys.
func (t *TLS) Check(r *schema.Row) {
	checkFile(r, "tls_cert", t.Cert)
	checkFile(r, "tls_key", t.Key)
	checkFile(r, "client_ca", t.ClientCA)
	if t.Key != "" && t.Cert == "" {
		r.Bad("tls_key", "tls_key is set and tls_cert is not; name the file of the certificate")
	}
	if t.ClientAuth != "off" && t.ClientCA == "" && !r.Unsure("client_auth", "client_ca") {
		r.Bad("client_auth", "client_auth is %s and client_ca is not set; name the file of the CA that signs the clients' certificates", t.ClientAuth)
	}
	if err := checkHSTS(t.HSTS); err != nil {
		r.Bad("hsts", "hsts %v", err)
	}
}

// checkHSTS: RFC 6797 6.1.
func checkHSTS(v string) error {
	if v == "off" {
		return nil
	}
	for _, part := range strings.Split(v, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if !strings.EqualFold(name, "max-age") {
			continue
		}
		if _, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 40); err == nil && !strings.ContainsAny(v, "\r\n") {
			return nil
		}
	}
	return fmt.Errorf("%q has no max-age; write \"max-age=31536000\", with \"; includeSubDomains\" if all of them speak HTTPS, or off", v)
}

// Certificate is a certificate and its key, in files.
type Certificate struct {
	Cert string `key:"cert"` // the chain, the server's own one first
	Key  string `key:"key"`
}

// Settings are those of [[certificate]].
func (*Certificate) Settings() schema.Group {
	return schema.Group{Key: "certificate", FileOnly: true, Settings: []schema.Setting{
		{Key: "cert", Kind: schema.Path, Required: `cert = "/etc/ssl/shop.pem" and key = "/etc/ssl/shop.key"`, Reload: true},
		{Key: "key", Kind: schema.Path, Derived: "the file of cert", Reload: true},
	}}
}

// Check finds files that are missing.
func (c *Certificate) Check(r *schema.Row) {
	checkFile(r, "cert", c.Cert)
	checkFile(r, "key", c.Key)
}

func checkFile(r *schema.Row, key, path string) {
	if path == "" || !r.Given(key) {
		return
	}
	st, err := os.Stat(path)
	switch {
	case os.IsPermission(err): // those who start the server may be permitted
	case err != nil:
		r.Bad(key, "%s: %s does not exist", key, path)
	case st.IsDir():
		r.Bad(key, "%s: %s is a folder", key, path)
	}
}

// Certificates are all of them, the default first.
func (c *Config) AllCertificates() []Certificate {
	all := slices.Clone(c.Certificates)
	if c.TLS.Cert != "" {
		all = slices.Insert(all, 0, Certificate{c.TLS.Cert, c.TLS.Key})
	}
	for i := range all {
		if all[i].Key == "" {
			all[i].Key = all[i].Cert
		}
	}
	return all
}

// SpeaksTLS reports whether an address speaks HTTPS.
func (c *Config) SpeaksTLS() bool {
	return slices.ContainsFunc(c.Listen, func(l Listen) bool { return l.Protocol == "https" })
}

// TLSHosts are the host names that apps and routes answer for.
func (c *Config) TLSHosts() []string {
	var hosts []string
	for i := range c.Apps {
		hosts = append(hosts, c.Apps[i].Hosts...)
	}
	for _, r := range c.Routes {
		hosts = append(hosts, r.Hosts...)
	}
	for i := range c.Static {
		hosts = append(hosts, c.Static[i].Hosts...)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// deriveTLS has addresses speak HTTPS that were written without a protocol, if there is a
// certificate on the command line or in [tls], or automatic ones, and no address says https. With
// automatic ones port 80 speaks http: a CA connects to it.
func (l *loader) deriveTLS() {
	c := l.cfg
	if c.TLS.ClientCA != "" && !l.given("tls.client_auth") {
		c.TLS.ClientAuth = "require"
		l.v.Sources.Put("tls.client_auth", derived("client_ca is set"))
	}
	defer l.deriveClients()
	if c.TLS.Cert == "" && !c.Automatic() || c.SpeaksTLS() {
		return
	}
	for i := range c.Listen {
		if at, path := &c.Listen[i], listenRow(i); at.scheme == "" && at.Network != "unix" && !l.given(path+".protocol") && !at.Redirect && (c.TLS.Cert != "" || !strings.HasSuffix(at.Address, ":80")) {
			at.Protocol = "https"
			why := "https is set"
			if c.TLS.Cert != "" {
				why = "tls_cert is set"
			}
			l.v.Sources.Put(path+".protocol", derived(why))
		}
	}
}

// deriveClients gives each address of HTTPS the settings for certificates of clients that it does not have itself.
func (l *loader) deriveClients() {
	for i := range l.cfg.Listen {
		at, path := &l.cfg.Listen[i], listenRow(i)
		if at.Protocol != "https" {
			continue
		}
		ca := l.given(path + ".client_ca")
		switch {
		case l.given(path + ".client_auth"):
		case ca:
			at.ClientAuth = "require"
			l.v.Sources.Put(path+".client_auth", derived("client_ca is set"))
		default:
			at.ClientAuth = l.cfg.TLS.ClientAuth
			l.v.Sources.Put(path+".client_auth", derived("[tls]"))
		}
		if !ca && at.ClientAuth != "off" {
			at.ClientCA = l.cfg.TLS.ClientCA
			l.v.Sources.Put(path+".client_ca", derived("[tls]"))
		}
	}
}

// checkClients finds settings for certificates of clients that cannot be: the address is row's.
func (at *Listen) checkClients(row *schema.Row) {
	for _, key := range []string{"client_ca", "client_auth"} {
		if at.Protocol != "https" && row.Given(key) {
			row.Bad(key, "%s is for addresses that speak https, and %s is not one", key, at)
		}
	}
	checkFile(row, "client_ca", at.ClientCA)
	if row.Given("client_auth") && at.ClientAuth != "off" && at.ClientCA == "" && !row.Unsure("client_auth", "client_ca") {
		row.Bad("client_auth", "client_auth of %s is %s and client_ca is not set; name the file of the CA that signs the clients' certificates", at, at.ClientAuth)
	}
	for _, h := range at.Hosts {
		if why := badHost(h); why != "" {
			row.Bad("hosts", "host %q %s", h, why)
		}
	}
}

// ClientCAs are the files of the CAs that sign certificates of clients, each once.
func ClientCAs(list []Listen) (paths []string) {
	for _, at := range list {
		if at.ClientCA != "" && !slices.Contains(paths, at.ClientCA) {
			paths = append(paths, at.ClientCA)
		}
	}
	return paths
}

// differentClients are the addresses of HTTPS that require certificates of clients for hosts that another one serves without.
func differentClients(list []Listen) (strict, other *Listen) {
	for i := range list {
		switch at := &list[i]; {
		case at.Protocol != "https":
		case at.ClientAuth != "require":
			other = at
		case len(at.Hosts) == 0:
			strict = at
		}
	}
	return strict, other
}

// checkTLS finds addresses of HTTPS without a certificate.
func (c *Config) checkTLS(r *schema.Row) {
	for i, at := range c.Listen {
		row := r.Other(listenRow(i))
		at.checkClients(row)
		if at.Protocol == "https" && len(c.AllCertificates()) == 0 && !c.Automatic() && !row.Unsure("address", "protocol") {
			key := "protocol"
			if !row.Given(key) {
				key = "address"
			}
			row.Bad(key, "%s has no certificate; set tls_cert and tls_key, [[certificate]], or https", at)
		}
		if at.Redirect && at.Protocol != "http" {
			row.Bad("redirect_https", "redirect_https is for addresses that speak http, and %s speaks %s", at, at.Protocol)
		}
	}
	if strict, other := differentClients(c.Listen); strict != nil && other != nil {
		c.Warnings = append(c.Warnings, fmt.Sprintf("%s requires certificates of clients, and %s serves the same hosts without; give the former's [[listen]] the hosts that are to be served there alone", strict, other))
	}
	if n := len(c.AllCertificates()); n > 0 && !c.SpeaksTLS() {
		c.Warnings = append(c.Warnings, fmt.Sprintf("%s set, and no address speaks https; write --bind https://0.0.0.0:443", plural(n, "certificate")))
	}
}
