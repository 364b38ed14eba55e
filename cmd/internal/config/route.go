package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Route says who answers some requests, besides the apps.
type Route struct {
	Path             string   // "/" or "/legacy": starts with a slash, does not end with one
	Hosts            []string // as an app's
	Match            RouteMatch
	Answer           RouteAnswer
	Rewrite          RouteRewrite
	Handler          string `key:"handler"` // "proxy", "static", "app", "redirect" or "respond"
	Balance          Balance
	Scripts          Scripts
	Fields           []FieldRule // [[route.fields]]
	Presets          Presets
	Caching          Caching
	StripPrefix      bool   `key:"strip_prefix"`      // the upstream does not see Path
	RequestBuffering string `key:"request_buffering"` // "on": an upstream is asked when the request body is complete; "off": before it is read

	ResponseBuffering string `key:"response_buffering"` // "on": a response waits for its slow client; "off": its upstream waits

	SendProxy string `key:"send_proxy"` // "off"; "v2": connections begin with a PROXY header

	Upgrades []string `key:"upgrades"` // protocols that a client may change to

	KeepAlive        int           `key:"keepalive"`         // idle connections to each upstream
	KeepAliveTimeout time.Duration `key:"keepalive_timeout"` // how long one is kept; 0: for ever

	ConnectTimeout time.Duration `key:"connect_timeout"` // until an upstream has taken the connection
	SendTimeout    time.Duration `key:"send_timeout"`    // silence while it takes the request
	ReadTimeout    time.Duration `key:"read_timeout"`    // silence until and within its response

	src schema.Source // of the table
}

// Settings are those of [[route]].
func (*Route) Settings() schema.Group {
	return schema.Group{Key: "route", FileOnly: true, Settings: []schema.Setting{
		{Key: "path", Kind: schema.Text, Default: "/", Reload: true,
			Set: schema.Set(func(r *Route, in schema.Input) error {
				r.Path = "/" + strings.Trim(in.Last(), "/")
				if v := in.Last(); v != "" && !strings.HasPrefix(v, "/") {
					return fmt.Errorf("%q does not begin with a slash; write /%s", v, v)
				}
				return nil
			}), Show: schema.Show(func(r *Route) (string, bool) { return r.Path, true })},
		{Key: "hosts", Kind: schema.List, Derived: "every host", Reload: true,
			Set: setHosts(func(r *Route) *[]string { return &r.Hosts }), Show: showHosts(func(r *Route) []string { return r.Hosts })},
		{Key: "handler", Kind: schema.Choice, Choices: []string{"proxy", "static", "app", "redirect", "respond"}, Reload: true, Derived: "the one whose key is set"},
		{Key: "strip_prefix", Kind: schema.Switch, Default: "off", Reload: true},
		{Key: "request_buffering", Kind: schema.Choice, Choices: []string{"on", "off"}, Default: "on", Reload: true},
		{Key: "response_buffering", Kind: schema.Choice, Choices: []string{"on", "off"}, Default: "on", Reload: true},
		{Key: "send_proxy", Kind: schema.Choice, Choices: []string{"off", "v2"}, Default: "off", Reload: true},
		{Key: "upgrades", Kind: schema.List, Default: "websocket", Reload: true},
		{Key: "keepalive", Kind: schema.Int, Default: "64", Reload: true},
		{Key: "keepalive_timeout", Kind: schema.Duration, Default: "30s", Reload: true},
		{Key: "connect_timeout", Kind: schema.Duration, Default: "5s", Reload: true},
		{Key: "send_timeout", Kind: schema.Duration, Default: "60s", Reload: true},
		{Key: "read_timeout", Kind: schema.Duration, Default: "60s", Reload: true},
	}}
}

// Check finds mistakes in the route's own values.
func (r *Route) Check(row *schema.Row) {
	if why := badMount(r.Path); why != "" && !row.Unsure("path") {
		row.Bad("path", "path %q %s", r.Path, why)
	}
	for _, h := range r.Hosts {
		if why := badHost(h); why != "" {
			row.Bad("hosts", "host %q %s", h, why)
		}
	}
	for _, name := range r.Upgrades {
		if !httpx.IsToken(name) || strings.EqualFold(name, "h2c") {
			row.Bad("upgrades", "upgrades: %q cannot pass; name protocols such as websocket, not h2c, whose requests would bypass the route", name)
		}
	}
	r.checkScripts(row)
	r.checkHandler(row)
}
