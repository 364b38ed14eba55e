package config

import (
	"cmp"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Listen is one address to take connections on.
type Listen struct {
	Network  string      // "tcp", "unix" or "fd"
	Address  string      // "127.0.0.1:8000", ":8000", "[::1]:8000"; an absolute path; the descriptor's number
	Protocol string      // "http", "https" or "uwsgi"
	Mode     fs.FileMode // of a unix socket
	User     string      `key:"user"`           // owner of a unix socket, a name or a number; empty: as it is
	Group    string      `key:"group"`          // likewise
	Backlog  int         `key:"backlog"`        // connections that wait for accept
	Redirect bool        `key:"redirect_https"` // requests are sent to the same address with https

	NoHTTP2       bool // clients of https get HTTP/1.1 alone
	HTTP3         bool `key:"http3"`          // HTTP/3 too, by UDP
	H2C           bool `key:"h2c"`            // HTTP/2 without TLS, for clients that know of it
	ProxyProtocol bool `key:"proxy_protocol"` // each connection begins with a PROXY header

	// Of https; where they are not set, they are those of [tls].
	ClientCA   string `key:"client_ca"`
	ClientAuth string `key:"client_auth"`

	Hosts []string // as an app's: served at this address, and not at those that do not name them; none: those that no other address names

	scheme string // the protocol that Address was written with; empty: with none
}

// Settings are those of [[listen]].
func (*Listen) Settings() schema.Group {
	return schema.Group{Key: "listen", FileOnly: true, Settings: []schema.Setting{
		{Key: "address", Kind: schema.Text, Required: `address = "127.0.0.1:8000"`,
			Set: schema.Set(setAddress), Show: schema.Show(func(l *Listen) (string, bool) { return l.String(), true })},
		{Key: "protocol", Kind: schema.Choice, Choices: []string{"http", "https", "uwsgi"}, Default: "http", Derived: "what the address begins with; https when tls_cert is set and no address says https",
			Set: schema.Set(setProtocol), Show: schema.Show(func(l *Listen) (string, bool) { return l.Protocol, true })},
		{Key: "mode", Kind: schema.Mode, Derived: "0666",
			Set: schema.Set(func(l *Listen, in schema.Input) (err error) {
				l.Mode, err = parseMode(in.Last())
				return err
			}), Show: unixOnly(func(l *Listen) string { return fmt.Sprintf("%#o", l.Mode.Perm()) })},
		{Key: "user", Kind: schema.Text, Derived: "the user that runs standpipe", Show: unixOnly(func(l *Listen) string { return l.User })},
		{Key: "group", Kind: schema.Text, Derived: "the group that runs standpipe", Show: unixOnly(func(l *Listen) string { return l.Group })},
		{Key: "backlog", Kind: schema.Int, Flags: []string{"backlog"}, Derived: "the system's somaxconn, at least 1024"},
		{Key: "redirect_https", Kind: schema.Switch, Default: "off"},
		{Key: "http2", Kind: schema.Switch, Default: "on",
			Set: schema.Set(func(l *Listen, in schema.Input) error {
				on, err := schema.ParseSwitch(in.Last())
				l.NoHTTP2 = !on
				return err
			}), Show: schema.Show(func(l *Listen) (string, bool) {
				if l.Protocol != "https" {
					return "", false
				}
				return schema.OnOff(!l.NoHTTP2), true
			})},
		{Key: "http3", Kind: schema.Switch, Default: "off"},
		{Key: "h2c", Kind: schema.Switch, Default: "off"},
		{Key: "proxy_protocol", Kind: schema.Switch, Default: "off"},
		{Key: "client_ca", Kind: schema.Path, Derived: "that of [tls]", Reload: true, Show: ofHTTPS(func(l *Listen) string { return l.ClientCA })},
		{Key: "client_auth", Kind: schema.Choice, Choices: clientAuths, Derived: "require when client_ca is set here, else that of [tls]", Reload: true, Show: ofHTTPS(func(l *Listen) string { return l.ClientAuth })},
		{Key: "hosts", Kind: schema.List, Derived: "those that no other address names", Reload: true,
			Set: setHosts(func(l *Listen) *[]string { return &l.Hosts }), Show: showHosts(func(l *Listen) []string { return l.Hosts })},
	}}
}

func unixOnly(f func(*Listen) string) func(any) (string, bool) {
	return schema.Show(func(l *Listen) (string, bool) {
		if l.Network != "unix" {
			return "", false
		}
		v := f(l)
		return v, v != ""
	})
}

func ofHTTPS(f func(*Listen) string) func(any) (string, bool) {
	return schema.Show(func(l *Listen) (string, bool) {
		v := f(l)
		return v, l.Protocol == "https" && v != ""
	})
}

// setBind replaces all addresses.
func setBind(c *Config, in schema.Input) error {
	var out []Listen
	for _, v := range in.List() {
		l, err := ParseListen(v, in.Base)
		if err != nil {
			return err
		}
		out = append(out, l)
	}
	if len(out) == 0 {
		return fmt.Errorf("%q has no address", in.Last())
	}
	c.Listen = out
	return nil
}

// setAddress keeps what the keys beside the address have set: they may be read before it.
func setAddress(l *Listen, in schema.Input) error {
	n, err := ParseListen(in.Last(), in.Base)
	if err != nil {
		return err
	}
	if l.Mode != 0 {
		n.Mode = l.Mode
	}
	n.User, n.Group = cmp.Or(l.User, n.User), cmp.Or(l.Group, n.Group)
	n.Protocol, n.Backlog, n.Redirect, n.ProxyProtocol, n.NoHTTP2, n.H2C, n.HTTP3 = l.Protocol, l.Backlog, l.Redirect, l.ProxyProtocol, l.NoHTTP2, l.H2C, l.HTTP3
	n.ClientCA, n.ClientAuth, n.Hosts = l.ClientCA, l.ClientAuth, l.Hosts
	*l = n
	return nil
}

func setProtocol(l *Listen, in schema.Input) error {
	switch v := in.Last(); v {
	case "http", "https", "uwsgi":
		l.Protocol = v
		return nil
	case "fastcgi":
		return fmt.Errorf("%q is not available yet in this release; http, https and uwsgi are", v)
	default:
		return fmt.Errorf("%q is not one of http, https, uwsgi", v)
	}
}

func parseMode(s string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0o"), 8, 32)
	if err != nil || n == 0 || n > 0o777 {
		return 0, fmt.Errorf("%q is not a mode; write it in octal, as \"0660\"", s)
	}
	return fs.FileMode(n), nil
}

// String is the address as one would write it after -b.
func (l Listen) String() string {
	switch {
	case l.Protocol == "" || l.Protocol == "http":
		return l.Bare()
	case l.Network == "tcp":
		return l.Protocol + "://" + l.Address
	}
	return l.Protocol + "+" + l.Bare()
}

// Bare is the address without its protocol.
func (l Listen) Bare() string {
	switch l.Network {
	case "unix":
		return "unix:" + l.Address
	case "fd":
		return "fd://" + l.Address
	}
	return l.Address
}

// BesideIPv4 reports whether the address is one of IPv6 and another of all has its port for IPv4: both can be listened on
// only if this one leaves IPv4 to the other, as in nginx.
func (l Listen) BesideIPv4(all []Listen) bool {
	host, port, ok := l.tcp()
	if !ok || !strings.Contains(host, ":") || port == "0" {
		return false
	}
	return slices.ContainsFunc(all, func(other Listen) bool {
		h, p, ok := other.tcp()
		return ok && p == port && h != "" && !strings.Contains(h, ":")
	})
}

// includes reports whether a process that listens on l cannot listen on other too: l is every address of other's kind.
func (l Listen) includes(other Listen) bool {
	host, port, ok := l.tcp()
	h, p, too := other.tcp()
	if !ok || !too || port != p || port == "0" || host == h {
		return false
	}
	ip, err := netip.ParseAddr(h)
	switch {
	case host == "": // both kinds
		return true
	case err != nil: // a name
		return false
	case host == "0.0.0.0":
		return ip.Is4()
	case host == "::":
		return ip.Is6()
	}
	return false
}

// AnyPort reports whether the address is a port that the system chooses.
func (l Listen) AnyPort() bool {
	_, port, ok := l.tcp()
	return ok && port == "0"
}

func (l Listen) tcp() (host, port string, ok bool) {
	if l.Network != "tcp" {
		return "", "", false
	}
	host, port, err := net.SplitHostPort(l.Address)
	return host, port, err == nil
}
