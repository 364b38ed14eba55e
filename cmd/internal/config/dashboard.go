package config

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Dashboard is the page that shows what the server does.
type Dashboard struct {
	Address string `key:"dashboard"`       // host:port; empty: there is none
	Token   string `key:"dashboard_token"` // empty: reading needs none, and nothing can be changed
}

// Settings are keys at the top.
func (*Dashboard) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "dashboard", Kind: schema.Text, Hint: "ADDRESS",
			Set: schema.Set(setDashboard), Show: schema.Show(func(d *Dashboard) (string, bool) { return d.Address, true })},
		{Key: "dashboard_token", Kind: schema.Text, Hint: "TOKEN",
			Show: schema.Show(func(d *Dashboard) (string, bool) { return Masked("token", d.Token), d.Token != "" })},
	}}
}

func setDashboard(d *Dashboard, in schema.Input) error {
	l, err := ParseListen(in.Last(), in.Base)
	if err != nil {
		return err
	}
	if l.Network != "tcp" || l.Protocol != "http" {
		return fmt.Errorf("%q: dashboard takes host:port, such as 127.0.0.1:9180", in.Last())
	}
	d.Address = l.String()
	return nil
}

// shortestToken is how many characters a token has at least: guesses are slowed down, and copies of a cookie could be tried offline.
const shortestToken = 16

// Check finds a dashboard that every machine of the network could read.
func (d *Dashboard) Check(r *schema.Row) {
	n := len(d.Token)
	switch {
	case n > 0 && n < shortestToken:
		r.Bad("dashboard_token", "dashboard_token has %d characters; take %d or more, such as those that `openssl rand -hex 32` prints", n, shortestToken)
	case d.Address == "" && n > 0 && !r.Unsure("dashboard"):
		r.Bad("dashboard_token", "dashboard_token is for the page of `dashboard`; leave it out, or set dashboard = \"127.0.0.1:9180\"")
	case d.Address != "" && n == 0 && !isLoopback(d.Address) && !r.Unsure("dashboard_token"):
		r.Bad("dashboard", "dashboard is %s, which other machines can reach: set dashboard_token (%d characters or more), or write 127.0.0.1:PORT", d.Address, shortestToken)
	}
}

// isLoopback reports whether this machine alone can connect to host:port.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
