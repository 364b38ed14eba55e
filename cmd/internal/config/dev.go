package config

import (
	"net"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// What dev makes of settings that are not set.
const (
	devWorkers = 2 // one may stand in a debugger
	devThreads = 4 // a page and what it loads
	devDrain   = 10 * time.Second
	devStop    = 5 * time.Second
	devBecause = "dev is on"
)

// leastToken is the shortest dev_token, in bytes.
const leastToken = 16

// Dev is the development mode.
type Dev struct {
	On    bool   `key:"dev"`
	Live  bool   `key:"live"`      // browsers load a page again when code, templates or files change; only with On
	Token string `key:"dev_token"` // of browsers that see error pages when the addresses are not loopback; empty: loopback alone
}

// Settings are those of [dev].
func (*Dev) Settings() schema.Group {
	return schema.Group{Key: "dev", Settings: []schema.Setting{
		{Key: "dev", Kind: schema.Switch, Default: "off", Derived: "on for `standpipe dev`"},
		{Key: "live", Kind: schema.Switch, Default: "off"},
		{Key: "dev_token", Kind: schema.Text, NoFlag: true,
			Show: schema.Show(func(d *Dev) (string, bool) { return mask, d.Token != "" })},
	}}
}

// Check finds settings that do not go together.
func (d *Dev) Check(r *schema.Row) {
	if d.Live && !d.On && r.Given("live") && !r.Unsure("dev") {
		r.Bad("live", "live is for the development mode; leave it out, or start with standpipe dev")
	}
	if n := len(d.Token); n > 0 && n < leastToken {
		r.Bad("dev_token", "dev_token has %d characters; it is a secret of %d or more", n, leastToken)
	}
}

// derive is for the settings of the server that were not set.
func (d *Dev) derive(l *loader) {
	if !d.On {
		return
	}
	part := func(key string) bool { return l.given("stop." + key) }
	if !slices.ContainsFunc([]string{"stop_timeout", "graceful_timeout", "shutdown_delay", "term_grace"}, part) && l.v.Env["KUBERNETES_SERVICE_HOST"] == "" {
		l.cfg.Stop.Timeout = devStop
		l.v.Sources.Put("stop.stop_timeout", derived(devBecause))
	}
}

// dev is for the settings of an app that were not set.
func (d *appDeriver) dev() {
	if !d.l.cfg.Dev.On {
		return
	}
	a, row := d.app, d.row
	unless := func(key string, set func()) {
		if !row.Given(key) {
			set()
			d.put(key, devBecause)
		}
	}
	if d.l.v.Env["WEB_CONCURRENCY"] == "" {
		unless("workers", func() { a.Workers.Min, a.Workers.Max, a.Workers.Reason = devWorkers, devWorkers, devBecause })
	}
	if a.Workers.Gevent == 0 {
		unless("threads", func() { a.Workers.Threads = devThreads })
	}
	unless("timeout", func() { a.Requests.Timeout = 0 })
	unless("reload", func() { a.Life.Reload = true })
	unless("surge", func() { a.Life.Surge = Share{Percent: 100} })
	unless("drain_timeout", func() { a.Life.DrainTimeout = devDrain })
}

// checkDev finds addresses that other machines reach.
func checkDev(c *Config, r *schema.Row) {
	if !c.Dev.On || c.Dev.Token != "" || r.Unsure("dev.dev_token", "dev.dev") {
		return
	}
	for i, at := range c.Listen {
		if at.Address != "" && !at.local() {
			r.Other(listenRow(i)).Bad("address", "%s is an address that other machines may reach, and the development mode shows source code and variables: listen on 127.0.0.1, or set STANDPIPE_DEV_TOKEN to a secret that browsers are asked for", at)
		}
	}
}

// local says whether no other machine reaches the address.
func (l Listen) local() bool {
	switch l.Network {
	case "unix":
		return true
	case "tcp":
		host, _, err := net.SplitHostPort(l.Address)
		if err != nil {
			return false
		}
		ip := net.ParseIP(host)
		return ip != nil && ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
	}
	return false // a descriptor may be anything
}
