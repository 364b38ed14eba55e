package run

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/access"
	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/maintain"
	"github.com/standpipe/standpipe/bridge/upstream"
	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/certs"
	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
)

// commands do what the control socket asks for, and what signals ask for likewise.
type commands struct {
	reloads *reloads
	product *compose.Server
	log     *logfile.Log
	stop    func()                  // begins an orderly stop
	served  func() map[string]int64 // requests by version

	stopAsked atomic.Bool
}

var _ admin.Server = (*commands)(nil)

// Reload reads the configuration again and puts it in force.
func (c *commands) Reload(ctx context.Context, app string) error { return c.reloads.Reload(ctx, app) }

// Pools are those of the present apps.
func (c *commands) Pools() []admin.Pool { return poolsAs[admin.Pool](c.product) }

// poolsAs are the pools of the present apps, as their user's interface.
func poolsAs[P any](product *compose.Server) []P {
	var list []P
	for _, p := range product.Pools() {
		list = append(list, any(p).(P))
	}
	return list
}

// Stop begins an orderly stop. A second one does not kill, unlike a second signal.
func (c *commands) Stop() {
	if !c.product.IsStopping() && !c.stopAsked.Swap(true) {
		c.stop()
	}
}

// SetLevel sets the level of the log and of all its named loggers.
func (c *commands) SetLevel(level string) error {
	l, err := config.ParseLevel(level)
	if err != nil {
		return err
	}
	c.log.SetLevel(hclog.LevelFromString(l))
	return nil
}

// ReopenLogs reopens the log files, and logs a failure.
func (c *commands) ReopenLogs() error {
	if err := c.product.ReopenLogs(); err != nil {
		c.log.Error("logs_not_reopened", "error", strings.ReplaceAll(err.Error(), "\n", "; "), "message", "the logs continue in the open files")
		return fmt.Errorf("the log continues in the open file: %w", err)
	}
	c.log.Info("logs_reopened")
	return nil
}

// Ready reports whether an app, or every app, takes requests.
func (c *commands) Ready(app string) (ready, known bool) { return c.product.Ready(app) }

// About fills in what does not belong to an app.
func (c *commands) About(st *admin.Status) {
	st.Addresses, st.Stopping, st.LogLevel = c.product.Listeners.Addresses(), c.product.IsStopping(), strings.ToLower(c.log.GetLevel().String())
	if st.Addresses == nil {
		st.Addresses = []string{}
	}
	st.Folders = foldersOf(c.product.Config())
	if open := c.product.Listeners.Tunnels(); len(open) > 0 {
		st.Tunnels = &admin.Tunnels{Open: len(open), Oldest: time.Since(open[0].Began).Seconds()}
	}
	st.Scanned = c.product.Limits.Scanned()
	for _, l := range c.product.Limits.Stats() {
		st.Limits = append(st.Limits, admin.Limit{Name: l.Name, Allowed: l.Allowed, Delayed: l.Delayed, Refused: l.Refused, Evicted: l.Evicted, Keys: l.Keys, Running: l.Running, Waiting: l.Waiting, Store: storeOf(l)})
	}
	for _, s := range c.product.Cache.Stats() {
		st.Cache = append(st.Cache, admin.Cache{App: s.App, Hits: s.Hits, Misses: s.Misses, Stale: s.Stale, Revalidated: s.Revalidated, Collapsed: s.Collapsed, Passed: s.Passed,
			Stored: s.Stored, Evicted: s.Evicted, Entries: s.Entries, Bytes: s.Bytes})
	}
	if f := c.product.Cache.Files(); f != nil {
		st.CacheFiles = &admin.CacheFiles{State: f.State, Files: f.Files, Bytes: f.Bytes, Limit: f.Limit, Evicted: f.Evicted, Damaged: f.Damaged, Dropped: f.Dropped}
	}
	if s := c.product.Cache.Shared(); s != nil {
		st.CacheRedis = &admin.CacheRedis{Address: s.Address, Away: s.Away, Loads: s.Loads, Found: s.Found, Stored: s.Saved, Large: s.Large, Damaged: s.Damaged}
	}
	st.Certificates, st.Requests = c.Certificates(), c.served()
	clients := &admin.Clients{Denied: c.product.Access.Denied.List(time.Now(), admin.MostShown), Networks: c.product.Access.Denied.Len(), Refused: c.product.Access.Records.Counts()}
	if clients.Networks > 0 || len(clients.Refused) > 0 {
		st.Clients = clients
	}
	st.Maintenance = c.product.Access.Maintenance.All(time.Now())
	for i := range st.Maintenance {
		st.Maintenance[i].Page = nil
	}
	for _, in := range c.product.Upstreams.List() {
		st.Upstreams = append(st.Upstreams, upstreamOf(&in))
	}
}

// upstreamOf is an upstream for the status.
func upstreamOf(in *upstream.Info) admin.Upstream {
	u := admin.Upstream{Route: in.Route, Address: in.Upstream, State: in.State, Reason: in.Cause, Weight: in.Weight, Backup: in.Backup, MaxConns: in.MaxConns,
		InFlight: in.InFlight, Latency: in.Latency.Seconds(), Requests: in.Requests, Ejections: in.Ejections}
	if !in.Until.IsZero() {
		u.Left = time.Until(in.Until).Seconds()
	}
	for _, c := range upstream.Causes() {
		u.Failures += in.Failures[c]
		u.Retries += in.Retries[c]
	}
	if in.Check != nil {
		u.Check = &admin.Check{At: in.Check.At, Took: in.Check.Took.Seconds(), Error: in.Check.Err}
	}
	return u
}

// storeOf says where a limit is counted.
func storeOf(l compose.LimitStats) string {
	switch {
	case !l.Shared:
		return "memory"
	case l.Away:
		return "redis away"
	}
	return "redis"
}

// Deny refuses a network from now on.
func (c *commands) Deny(e access.Entry) error {
	if c.product.Access.HandingOver() {
		return admin.ErrUpgrading
	}
	return c.product.Access.Denied.Add(e)
}

// Allow ends that.
func (c *commands) Allow(network netip.Prefix) (bool, error) {
	if c.product.Access.HandingOver() {
		return false, admin.ErrUpgrading
	}
	return c.product.Access.Denied.Remove(network), nil
}

// Denied lists what is denied at run time.
func (c *commands) Denied() []access.Entry { return c.product.Access.Denied.List(time.Now(), 0) }

// Maintenance is what is under maintenance.
func (c *commands) Maintenance() *maintain.List { return c.product.Access.Maintenance }

// Persist writes what Deny, Allow and Maintenance have changed.
func (c *commands) Persist() bool { return c.product.Access.Persist() }

// Purge removes entries of the HTTP cache.
func (c *commands) Purge(ctx context.Context, app string, p cache.Purges) (int, error) {
	return c.product.Purges.Of(ctx, app, p)
}

// Upgrading reports that another process has a copy of what commands change.
func (c *commands) Upgrading() bool { return c.product.Access.HandingOver() }

// Certificates are those of HTTPS.
func (c *commands) Certificates() []certs.Info { return c.product.Certificates.List() }

// RenewCertificate obtains a new certificate for a name now.
func (c *commands) RenewCertificate(ctx context.Context, name string) error {
	return c.product.Certificates.Renew(ctx, name)
}

// foldersOf are the folders by which the commands find this server.
func foldersOf(cfg *config.Config) []string {
	list := []string{cfg.Dir}
	add := func(dir string) {
		if !slices.Contains(list, dir) {
			list = append(list, dir)
		}
	}
	if cfg.File != "" {
		add(filepath.Dir(cfg.File))
	}
	for i := range cfg.Apps {
		add(cfg.Apps[i].Dir)
		if link := cfg.Apps[i].Link; link != "" {
			add(link)
		}
	}
	return list
}

// Static lists the folders of static files of one app, or (empty) of all and the server.
func (c *commands) Static(app string) (list []admin.Folder) {
	files := c.product.Static(app)
	if app == "" {
		files = allFolders(c.product, c.product.Config())
	}
	for _, f := range files {
		d := admin.Folder{App: f.App, URL: f.URL, Dir: f.Dir, How: f.How, State: "served"}
		switch {
		case f.Trouble != "":
			d.State, d.Reason = "trouble", f.Trouble
		case f.Refused != "":
			d.State, d.Reason = "app", f.Refused
		}
		list = append(list, d)
	}
	return list
}

// resize adds workers to each app, or removes them.
func (c *commands) resize(by int) {
	for _, p := range c.product.Pools() {
		if n := p.Stats().Workers + by; n > 0 {
			_, _ = p.Resize(n) // fails when it is stopping
		}
	}
}
