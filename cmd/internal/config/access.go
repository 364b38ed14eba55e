package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/access"
	"github.com/standpipe/standpipe/bridge/netset"
	"github.com/standpipe/standpipe/cmd/internal/address"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Access says which clients may come to one place.
type Access struct {
	Path   string   // "/" or "/admin": starts with a slash, does not end with one
	Hosts  []string // as an app's
	On     []string // the addresses of this server that it is for, as Listen.Bare; none: all of them
	Except []string `key:"except"` // paths beneath Path that it is not for

	Allow, Deny           []string // networks, "all", "unix"
	AllowFiles, DenyFiles []string // absolute

	AllowCountries, DenyCountries []string // as ISO 3166-1 has them, in capitals; "unknown"

	Users   string `key:"auth_users"` // a file as htpasswd -B writes it; empty: no password is needed
	Realm   string `key:"auth_realm"`
	Pass    bool   `key:"pass_authorization"` // the app sees the field that the server has checked
	Satisfy string `key:"satisfy"`            // "all" or "any"

	Forward        string        `key:"forward_auth"` // the URL of a service that decides; empty: none
	ForwardFields  []string      // of its answer, that the request gets; in canonical form
	ForwardTimeout time.Duration `key:"forward_auth_timeout"`
}

// Geo is where the countries of addresses come from.
type Geo struct {
	File string `key:"geoip"` // in MaxMind's format; empty: none
}

// Settings are keys at the top.
func (*Geo) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{{Key: "geoip", Kind: schema.Path, Hint: "FILE", Derived: "none", Reload: true}}}
}

// Check finds a database that cannot be used.
func (g *Geo) Check(r *schema.Row) {
	if g.File != "" {
		checkContent(r, "geoip", g.File, access.CheckCountries)
	}
}

// Settings are those of [[access]].
func (*Access) Settings() schema.Group {
	return schema.Group{Key: "access", FileOnly: true, Settings: []schema.Setting{
		{Key: "path", Kind: schema.Text, Default: "/", Reload: true,
			Set: schema.Set(func(a *Access, in schema.Input) error {
				a.Path = "/" + strings.Trim(in.Last(), "/")
				if v := in.Last(); v != "" && !strings.HasPrefix(v, "/") {
					return fmt.Errorf("%q does not begin with a slash; write /%s", v, v)
				}
				return nil
			}), Show: schema.Show(func(a *Access) (string, bool) { return a.Path, true })},
		{Key: "hosts", Kind: schema.List, Derived: "every host", Reload: true,
			Set: setHosts(func(a *Access) *[]string { return &a.Hosts }), Show: showHosts(func(a *Access) []string { return a.Hosts })},
		{Key: "listen", Kind: schema.List, Derived: "every address", Reload: true, Set: schema.Set(setAccessListen), Show: schema.Show(func(a *Access) (string, bool) {
			return strings.Join(a.On, ","), true
		})},
		{Key: "except", Kind: schema.List, Derived: "none", Reload: true},
		networksSetting("allow", "every address, if no other list says otherwise", func(a *Access) *[]string { return &a.Allow }),
		networksSetting("deny", "none", func(a *Access) *[]string { return &a.Deny }),
		listFiles("allow_files", func(a *Access) *[]string { return &a.AllowFiles }),
		listFiles("deny_files", func(a *Access) *[]string { return &a.DenyFiles }),
		countries("allow_countries", func(a *Access) *[]string { return &a.AllowCountries }),
		countries("deny_countries", func(a *Access) *[]string { return &a.DenyCountries }),
		{Key: "auth_users", Kind: schema.Path, Derived: "no password is needed", Reload: true},
		{Key: "auth_realm", Kind: schema.Text, Default: "Restricted", Reload: true},
		{Key: "pass_authorization", Kind: schema.Switch, Default: "off", Reload: true},
		{Key: "forward_auth", Kind: schema.Text, Derived: "no service is asked", Reload: true},
		{Key: "forward_auth_fields", Kind: schema.List, Derived: "none", Reload: true, Set: schema.Set(setForwardFields),
			Show: schema.Show(func(a *Access) (string, bool) { return strings.Join(a.ForwardFields, ","), true })},
		{Key: "forward_auth_timeout", Kind: schema.Duration, Default: "5s", Reload: true},
		{Key: "satisfy", Kind: schema.Choice, Choices: []string{"all", "any"}, Default: "all", Reload: true},
	}}
}

func networksSetting(key, derived string, at func(*Access) *[]string) schema.Setting {
	return schema.Setting{Key: key, Kind: schema.List, Derived: derived, Reload: true,
		Set: schema.Set(func(a *Access, in schema.Input) error {
			list := in.List()
			for _, v := range list {
				if v == "all" || v == "unix" {
					continue
				}
				if _, err := netset.Parse(v); err != nil {
					return fmt.Errorf("%w; all and unix are possible too", err)
				}
			}
			*at(a) = list
			return nil
		}), Show: schema.Show(func(a *Access) (string, bool) { return strings.Join(*at(a), ","), true })}
}

func listFiles(key string, at func(*Access) *[]string) schema.Setting {
	return schema.Setting{Key: key, Kind: schema.List, Derived: "none", Reload: true,
		Set: schema.Set(func(a *Access, in schema.Input) error {
			*at(a) = nil
			for _, v := range in.List() {
				if !filepath.IsAbs(v) {
					v = filepath.Join(in.Base, v)
				}
				*at(a) = append(*at(a), v)
			}
			return nil
		}), Show: schema.Show(func(a *Access) (string, bool) { return strings.Join(*at(a), ","), true })}
}

func countries(key string, at func(*Access) *[]string) schema.Setting {
	return schema.Setting{Key: key, Kind: schema.List, Derived: "none", Reload: true,
		Set: schema.Set(func(a *Access, in schema.Input) error {
			*at(a) = nil
			for _, v := range in.List() {
				if code := strings.ToUpper(v); len(v) == 2 && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
					v = code
				} else if v != access.UnknownCountry {
					return fmt.Errorf("%q is not a country of ISO 3166-1 (two letters: NZ), or %s", v, access.UnknownCountry)
				}
				*at(a) = append(*at(a), v)
			}
			return nil
		}), Show: schema.Show(func(a *Access) (string, bool) { return strings.Join(*at(a), ","), true })}
}

// unforwarded are fields that a service cannot set: they are of the connection or the body, or the server sets them.
var unforwarded = []string{"Connection", "Content-Length", "Expect", "Host", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "X-Request-Id"}

func setForwardFields(a *Access, in schema.Input) error {
	a.ForwardFields = nil
	for _, v := range in.List() {
		name := http.CanonicalHeaderKey(v)
		if !isToken(v) || strings.Contains(v, "_") || slices.Contains(unforwarded, name) {
			return fmt.Errorf("%q cannot be the name of a field that a service sets; it is for example Remote-User", v)
		}
		a.ForwardFields = append(a.ForwardFields, name)
	}
	return nil
}

func setAccessListen(a *Access, in schema.Input) (err error) {
	a.On, err = parseOwn(in)
	return err
}

// Place names the table in records and counts: "/admin", "shop.example.org/admin".
func (a *Access) Place() string { return strings.Join(a.Hosts, "|") + a.Path }

// At reports whether the table is for an address of this server.
func (a *Access) At(l *Listen) bool {
	return len(a.On) == 0 || slices.Contains(a.On, l.Bare())
}

// Check finds mistakes in the table's own values.
func (a *Access) Check(row *schema.Row) {
	if why := badMount(a.Path); why != "" && !row.Unsure("path") {
		row.Bad("path", "path %q %s", a.Path, why)
	}
	for _, h := range a.Hosts {
		if why := badHost(h); why != "" {
			row.Bad("hosts", "host %q %s", h, why)
		}
	}
	for _, p := range a.Except {
		if why := badMount(p); why != "" {
			row.Bad("except", "except %q %s", p, why)
		} else if !access.PathUnder(p, a.Path) {
			row.Bad("except", "except %q is not beneath path %s; this table is not for it anyway", p, a.Path)
		}
	}
	checks := a.checks()
	if checks == 0 {
		key := "path"
		if !row.Given(key) {
			key = "hosts"
		}
		row.Bad(key, "the table says nothing about clients; set allow, deny, auth_users or forward_auth")
	}
	if a.Satisfy == "any" && checks == 1 {
		row.Bad("satisfy", "satisfy is any, and the table has one of lists, auth_users and forward_auth; set two, or leave satisfy out")
	}
	if a.Users != "" {
		checkContent(row, "auth_users", a.Users, access.CheckPasswords)
	} else if row.Given("pass_authorization") || row.Given("auth_realm") {
		row.Bad("path", "auth_realm and pass_authorization have no effect without auth_users")
	}
	if err := access.CheckRealm(a.Realm); err != nil {
		row.Bad("auth_realm", "auth_realm: %v", err)
	}
	a.checkForward(row)
	for _, v := range a.Allow {
		if slices.Contains(a.Deny, v) {
			row.Bad("allow", "%s is in allow and in deny; leave one of them out", v)
		}
	}
	checkLists(row, "allow_files", a.AllowFiles)
	checkLists(row, "deny_files", a.DenyFiles)
}

// checks counts what the table asks of a client: lists, a password, a service.
func (a *Access) checks() (n int) {
	for _, has := range []bool{len(a.Allow)+len(a.Deny)+len(a.AllowFiles)+len(a.DenyFiles)+len(a.AllowCountries)+len(a.DenyCountries) > 0, a.Users != "", a.Forward != ""} {
		if has {
			n++
		}
	}
	return n
}

func (a *Access) checkForward(row *schema.Row) {
	if a.Forward == "" {
		if row.Given("forward_auth_fields") || row.Given("forward_auth_timeout") {
			row.Bad("path", "forward_auth_fields and forward_auth_timeout have no effect without forward_auth")
		}
		return
	}
	if u, err := address.URL(a.Forward, "http", "https"); err != nil {
		row.Bad("forward_auth", "forward_auth: %v; write http://127.0.0.1:9091/verify", err)
	} else if u.User != nil || u.Fragment != "" {
		row.Bad("forward_auth", "forward_auth %q has a user or a fragment; write http://127.0.0.1:9091/verify", a.Forward)
	}
	if a.ForwardTimeout <= 0 {
		row.Bad("forward_auth_timeout", "forward_auth_timeout is 0, and no client would get an answer; write 5s")
	}
}

func checkLists(row *schema.Row, key string, files []string) {
	for _, path := range files {
		checkContent(row, key, path, access.CheckList)
	}
}

func checkContent(row *schema.Row, key, path string, check func(string) error) {
	err := check(path)
	if _, ok := errors.AsType[*os.PathError](err); ok {
		row.Bad(key, "%s: the file %s %v", key, path, reason(err))
	} else if err != nil {
		row.Bad(key, "%s: %v", key, err)
	}
}

// checkAccess finds tables for addresses that are not listened on, countries without a database, and a service that would
// be asked about its own questions.
func checkAccess(c *Config, r *schema.Row) {
	for i := range c.Access {
		row := r.Other(fmt.Sprintf("access.%d", i))
		checkOwn(c, row, "[[access]]", c.Access[i].On)
		a := &c.Access[i]
		if c.Geo.File == "" && len(a.AllowCountries)+len(a.DenyCountries) > 0 {
			key := "allow_countries"
			if !row.Given(key) {
				key = "deny_countries"
			}
			row.Bad(key, "[[access]] countries need a database; write geoip = \"/usr/share/GeoIP/GeoLite2-Country.mmdb\" at the top of the file")
		}
		u, err := url.Parse(a.Forward)
		if err != nil || u.Host == "" {
			continue
		}
		for _, l := range c.Listen {
			if l.Network == "tcp" && l.Address == u.Host && a.At(&l) && access.PathUnder(cmp.Or(u.Path, "/"), a.Path) && !slices.ContainsFunc(a.Except, func(p string) bool { return access.PathUnder(u.Path, p) }) {
				row.Bad("forward_auth", "[[access]] forward_auth: standpipe itself listens on %s, and %s is in the table's own path; each question would cause the next one", l, a.Forward)
			}
		}
	}
}
