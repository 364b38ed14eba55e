package config

import (
	"encoding/base64"
	"fmt"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/address"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
	"github.com/standpipe/standpipe/cmd/internal/localca"
	"github.com/standpipe/standpipe/cmd/internal/redisurl"
)

// ACME is where automatic certificates come from.
type ACME struct {
	HTTPS        []string      `key:"https"`         // hosts; "hosts": those of the apps and routes; none: no certificate is automatic
	CA           []string      `key:"acme_ca"`       // URLs, or "staging", in the order in which they are tried; none: Let's Encrypt
	Roots        string        `key:"acme_ca_roots"` // verify the CAs' servers; empty: the system's
	Email        string        `key:"acme_email"`
	Profile      string        `key:"acme_profile"`
	EABID        string        `key:"acme_eab_id"`
	EABKey       string        `key:"acme_eab_key"`
	Storage      string        `key:"acme_storage"` // a folder, or "redis"
	DNS          string        `key:"acme_dns"`     // "off", "program", "rfc2136" or "cloudflare"
	DNSProgram   string        `key:"acme_dns_program"`
	DNSServer    string        `key:"acme_dns_server"`
	DNSKeyName   string        `key:"acme_dns_key_name"`
	DNSKey       string        `key:"acme_dns_key"`
	DNSAlgorithm string        `key:"acme_dns_algorithm"`
	DNSToken     string        `key:"acme_dns_token"`
	DNSResolvers []string      `key:"acme_dns_resolvers"` // none: the system's
	DNSWait      time.Duration `key:"acme_dns_wait"`      // 0: the record is not looked for
	OnDemand     bool          `key:"acme_on_demand"`
	Ask          string        `key:"acme_ask"`
	Rate         int           `key:"acme_on_demand_rate"` // certificates an hour; 0: no limit

	LocalCA string // the folder of the CA for LocalNames; no setting; empty: there are none
}

// fromHosts is the value of https for the hosts of apps and routes.
const fromHosts = "hosts"

// Settings are those of [acme].
func (*ACME) Settings() schema.Group {
	secret := func(get func(*ACME) string) func(any) (string, bool) {
		return schema.Show(func(a *ACME) (string, bool) { return mask, get(a) != "" })
	}
	return schema.Group{Key: "acme", Settings: []schema.Setting{
		{Key: "https", Kind: schema.List, Hint: "HOST,HOST"},
		{Key: "acme_ca", Kind: schema.List, Hint: "URL", Derived: "Let's Encrypt"},
		{Key: "acme_ca_roots", Kind: schema.Path, Derived: "the system's"},
		{Key: "acme_email", Kind: schema.Text},
		{Key: "acme_profile", Kind: schema.Text, Derived: "the CA's default"},
		{Key: "acme_eab_id", Kind: schema.Text},
		{Key: "acme_eab_key", Kind: schema.Text, NoFlag: true, Show: secret(func(a *ACME) string { return a.EABKey })},
		{Key: "acme_storage", Kind: schema.Text, Hint: "DIR", Derived: "$STATE_DIRECTORY/certificates, /var/lib/standpipe/certificates for root, $XDG_DATA_HOME/standpipe/certificates or ~/.local/share/standpipe/certificates"},
		{Key: "acme_dns", Kind: schema.Choice, Choices: []string{"off", "program", "rfc2136", "cloudflare"}, Default: "off"},
		{Key: "acme_dns_program", Kind: schema.Path},
		{Key: "acme_dns_server", Kind: schema.Text, Hint: "HOST:PORT"},
		{Key: "acme_dns_key_name", Kind: schema.Text},
		{Key: "acme_dns_key", Kind: schema.Text, NoFlag: true, Show: secret(func(a *ACME) string { return a.DNSKey })},
		{Key: "acme_dns_algorithm", Kind: schema.Choice, Choices: []string{"hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"}, Default: "hmac-sha256"},
		{Key: "acme_dns_token", Kind: schema.Text, NoFlag: true, Show: secret(func(a *ACME) string { return a.DNSToken })},
		{Key: "acme_dns_resolvers", Kind: schema.List, Hint: "HOST:PORT", Derived: "the system's"},
		{Key: "acme_dns_wait", Kind: schema.Duration, Default: "2m"},
		{Key: "acme_on_demand", Kind: schema.Switch, Default: "off"},
		{Key: "acme_ask", Kind: schema.Text, Hint: "URL"},
		{Key: "acme_on_demand_rate", Kind: schema.Int, Default: "20"},
	}}
}

// Check finds settings that do not fit together.
func (a *ACME) Check(r *schema.Row) {
	for _, ca := range a.CA {
		if ca == "staging" {
			continue
		}
		if _, err := address.URL(ca, "https"); err != nil {
			r.Bad("acme_ca", "acme_ca: %v; write the URL of the CA's directory, or staging", err)
		}
	}
	checkFile(r, "acme_ca_roots", a.Roots)
	checkFile(r, "acme_dns_program", a.DNSProgram)
	a.checkKeys(r)
	needs := map[string][]string{"program": {"acme_dns_program", a.DNSProgram}, "rfc2136": {"acme_dns_server", a.DNSServer}, "cloudflare": {"acme_dns_token", a.DNSToken}}
	if n, ok := needs[a.DNS]; ok && n[1] == "" && !r.Unsure("acme_dns", n[0]) {
		r.Bad("acme_dns", "acme_dns is %s and %s is not set", a.DNS, n[0])
	}
	if a.DNSServer != "" {
		if _, err := address.WithPort(a.DNSServer, "53"); err != nil {
			r.Bad("acme_dns_server", "acme_dns_server: %v", err)
		}
	}
	for _, server := range a.DNSResolvers {
		if _, err := address.WithPort(server, "53"); err != nil {
			r.Bad("acme_dns_resolvers", "acme_dns_resolvers: %v", err)
		}
	}
	for _, host := range a.HTTPS {
		switch {
		case badHost(host) != "" || strings.HasPrefix(host, "["):
			r.Bad("https", "%q is no host name", host)
		case localca.Local(host):
		case strings.HasPrefix(host, "*.") && a.DNS == "off":
			r.Bad("https", "%q: a certificate for a wildcard needs acme_dns", host)
		case host != fromHosts && !strings.Contains(host, ".") && net.ParseIP(host) == nil:
			r.Bad("https", "%q is no public host name; write it in full, or the word %s for those of the apps and routes", host, fromHosts)
		}
	}
	if a.Ask != "" {
		if _, err := address.URL(a.Ask, "http", "https"); err != nil {
			r.Bad("acme_ask", "acme_ask: %v", err)
		}
	}
}

// checkKeys finds keys that are none. They are secrets: no part of them is told.
func (a *ACME) checkKeys(r *schema.Row) {
	if (a.EABID == "") != (a.EABKey == "") {
		r.Bad("acme_eab_id", "acme_eab_id and acme_eab_key belong together; the CA gives both")
	}
	if _, err := base64.RawURLEncoding.DecodeString(a.MACKey()); err != nil {
		r.Bad("acme_eab_key", "it is no base64; copy it as the CA gives it")
	}
	if _, err := base64.StdEncoding.DecodeString(a.DNSKey); err != nil {
		r.Bad("acme_dns_key", "it is no base64; copy it from the server's key file")
	}
}

// MACKey is EABKey in the alphabet of base64 that ACME has (RFC 8555 7.3.4: base64url without padding).
func (a *ACME) MACKey() string {
	return strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(a.EABKey), "=")
}

// Automatic reports whether certificates are made by themselves.
func (c *Config) Automatic() bool { return len(c.ACME.HTTPS) > 0 || c.ACME.OnDemand }

// AutomaticNames are hosts with automatic certificates.
type AutomaticNames struct {
	Public []string // of a public CA, from the start on
	Local  []string // of the local CA: no other one issues any for names of this machine alone
}

// AutomaticNames are those of https. Wildcards among the hosts of apps are left out where no CA could validate them.
func (c *Config) AutomaticNames() (names AutomaticNames) {
	for _, name := range c.ACME.HTTPS {
		hosts := []string{name}
		if name == fromHosts {
			hosts = c.TLSHosts()
		}
		for _, host := range hosts {
			switch {
			case localca.Local(host):
				names.Local = append(names.Local, host)
			case name == host, c.ACME.DNS != "off", !strings.HasPrefix(host, "*."):
				names.Public = append(names.Public, host)
			}
		}
	}
	for _, list := range []*[]string{&names.Public, &names.Local} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return names
}

// FromCA reports whether certificates are obtained from a public CA.
func (a *ACME) FromCA(names AutomaticNames) bool { return len(names.Public) > 0 || a.OnDemand }

// deriveACME finds the storage, and the local CA.
func (l *loader) deriveACME() {
	a := &l.cfg.ACME
	names := l.cfg.AutomaticNames()
	if len(names.Local) > 0 {
		a.LocalCA = localca.Folder(runtime.GOOS, func(name string) string { return l.v.Env[name] })
	}
	if a.Storage != "" && a.Storage != "redis" {
		folders := []string{a.Storage}
		absolute(filepath.Dir(l.cfg.File), folders)
		if l.cfg.File == "" {
			absolute(l.in.Dir, folders)
		}
		a.Storage = folders[0]
	}
	if a.Storage != "" || !a.FromCA(names) {
		return
	}
	folder, why := CertificateFolder(func(name string) string { return l.v.Env[name] }, l.in.Machine.UID)
	a.Storage = folder
	l.v.Sources.Put("acme.acme_storage", derived(why))
}

// CertificateFolder is acme_storage where no setting names it, and why.
func CertificateFolder(env func(string) string, uid int) (folder, why string) {
	dir, why := filepath.Join(env("HOME"), ".local", "share", "standpipe"), "HOME is set"
	state, _, _ := strings.Cut(env("STATE_DIRECTORY"), ":")
	switch {
	case state != "":
		dir, why = state, "STATE_DIRECTORY is set"
	case uid == 0:
		dir, why = "/var/lib/standpipe", "root starts standpipe"
	case env("XDG_DATA_HOME") != "":
		dir, why = filepath.Join(env("XDG_DATA_HOME"), "standpipe"), "XDG_DATA_HOME is set"
	}
	return filepath.Join(dir, "certificates"), why
}

// checkACME finds what needs other tables.
func (c *Config) checkACME(r *schema.Row) {
	row := r.Other("acme")
	if c.ACME.Storage == "redis" && c.Servers.Redis == "" {
		row.Bad("acme_storage", "acme_storage is redis, and redis is not set; write redis = \"redis://127.0.0.1:6379\"")
	}
	if c.ACME.OnDemand && c.ACME.Ask == "" && len(c.TLSHosts()) == 0 {
		row.Bad("acme_on_demand", "acme_on_demand is on and says for which hosts in no place; give the apps hosts, or set acme_ask")
	}
	if c.Automatic() && !c.SpeaksTLS() {
		c.Warnings = append(c.Warnings, "https is set, and no address speaks https; write --bind https://0.0.0.0:443")
	}
	names := c.AutomaticNames()
	local := len(names.Local) > 0
	if local && c.ACME.LocalCA == "" {
		row.Bad("https", "https has names of this machine, and there is no folder for the CA of their certificates; set HOME or XDG_DATA_HOME")
	}
	if c.Automatic() && !c.ACME.FromCA(names) && !local {
		row.Bad("https", "https is %s, and no app or route has a host; write the hosts", fromHosts)
	}
}

// ChallengePorts are the ports at which this server answers the challenges of a CA, and the host that they are on; 0: none.
// A CA connects to 80 and 443: another port is one that something forwards to.
func (c *Config) ChallengePorts() (host string, http, https int) {
	for _, l := range c.Listen {
		port, usual := &http, 80
		switch l.Protocol {
		case "https":
			port, usual = &https, 443
		case "http":
		default:
			continue
		}
		n := usual
		if l.Network == "tcp" {
			h, text, err := net.SplitHostPort(l.Address)
			if err != nil {
				continue
			}
			if _, err := fmt.Sscan(text, &n); err != nil || n == 0 {
				continue
			}
			if *port == 0 || n == usual {
				host = h
			}
		} else if l.Network != "fd" {
			continue
		}
		if *port == 0 || n == usual {
			*port = n
		}
	}
	return host, http, https
}

// Servers are other servers that several parts of standpipe use.
type Servers struct {
	Redis string `key:"redis"` // its URL; empty: none
}

// Settings are keys at the top.
func (*Servers) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "redis", Kind: schema.Text, Hint: "URL", Show: schema.Show(func(s *Servers) (string, bool) { return Masked("redis", s.Redis), s.Redis != "" })},
	}}
}

// Check finds a URL that is none.
func (s *Servers) Check(r *schema.Row) {
	if s.Redis == "" {
		return
	}
	if _, err := redisurl.Parse(s.Redis); err != nil {
		r.Bad("redis", "%v", err)
	}
}
