package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/limit"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// RateLimit bounds the requests of each client, or of another key.
type RateLimit struct {
	Name        string     `key:"name"` // unique; as an app's
	Key         limit.Key  // what is counted
	Rate        limit.Rate // without burst and delay; see Bounds
	Burst       int        `key:"burst"`       // requests above the rate that pass at once
	Delay       int        `key:"delay"`       // those above burst that wait
	Concurrency int        `key:"concurrency"` // requests of a key that run at the same time; 0: no limit

	Path    string   // "/" or "/api": starts with a slash, does not end with one
	Hosts   []string // as an app's
	Methods []string // in capital letters; none: every method
	App     string   `key:"app"` // empty: every request

	Status string `key:"status"` // "429", "503"
	Fields string `key:"fields"` // "refused", "all"
	DryRun bool   `key:"dry_run"`
	Store  string `key:"store"` // "memory", "redis"
	Fail   string `key:"fail"`  // "open", "closed": what becomes of requests while Redis is away

	BanAfter  int           `key:"ban_after"`  // refused requests after which a client is denied; 0: never
	BanWithin time.Duration `key:"ban_within"` // the time in which they come
	BanFor    time.Duration `key:"ban_for"`

	IPv6Prefix int `key:"ipv6_prefix"` // bits of an address that are one client
	Keys       int `key:"keys"`        // that are remembered
}

// The bounds of numbers in [[limit]].
const (
	mostBurst    = 1_000_000
	longestDelay = time.Minute
	longestBurst = 30 * 24 * time.Hour
	mostBan      = 10_000
	leastPrefix  = 16
	leastKeys    = 1000
	mostKeys     = 16_000_000
)

// Settings are those of [[limit]].
func (*RateLimit) Settings() schema.Group {
	return schema.Group{Key: "limit", FileOnly: true, Settings: []schema.Setting{
		{Key: "name", Kind: schema.Text, Reload: true, Required: `name = "api"`},
		{Key: "key", Kind: schema.List, Default: "client", Reload: true,
			Set: schema.Set(func(l *RateLimit, in schema.Input) (err error) {
				l.Key, err = limit.ParseKey(in.List())
				return err
			}), Show: schema.Show(func(l *RateLimit) (string, bool) { return l.Key.String(), true })},
		{Key: "rate", Kind: schema.Text, Derived: "no limit", Reload: true,
			Set: schema.Set(func(l *RateLimit, in schema.Input) (err error) {
				if l.Rate.Count, l.Rate.Per, err = limit.ParseRate(in.Last()); err != nil {
					err = fmt.Errorf("%q %w", in.Last(), err)
				}
				return err
			}),
			Show: schema.Show(func(l *RateLimit) (string, bool) {
				return limit.FormatRate(l.Rate.Count, l.Rate.Per), l.Rate.Count > 0
			})},
		{Key: "burst", Kind: schema.Int, Default: "0", Reload: true},
		{Key: "delay", Kind: schema.Int, Default: "0", Reload: true},
		{Key: "concurrency", Kind: schema.Int, Default: "0", Reload: true},
		{Key: "path", Kind: schema.Text, Default: "/", Reload: true,
			Set: schema.Set(func(l *RateLimit, in schema.Input) error {
				l.Path = "/" + strings.Trim(in.Last(), "/")
				if v := in.Last(); v != "" && !strings.HasPrefix(v, "/") {
					return fmt.Errorf("%q does not begin with a slash; write /%s", v, v)
				}
				return nil
			}), Show: schema.Show(func(l *RateLimit) (string, bool) { return l.Path, true })},
		{Key: "hosts", Kind: schema.List, Derived: "every host", Reload: true,
			Set: setHosts(func(l *RateLimit) *[]string { return &l.Hosts }), Show: showHosts(func(l *RateLimit) []string { return l.Hosts })},
		{Key: "methods", Kind: schema.List, Derived: "every method", Reload: true,
			Set: schema.Set(func(l *RateLimit, in schema.Input) error {
				l.Methods = nil
				for _, m := range in.List() {
					if !isToken(m) {
						return fmt.Errorf("%q is not a method; write GET or POST", m)
					}
					l.Methods = append(l.Methods, strings.ToUpper(m))
				}
				return nil
			}), Show: schema.Show(func(l *RateLimit) (string, bool) { return strings.Join(l.Methods, ","), len(l.Methods) > 0 })},
		{Key: "app", Kind: schema.Text, Derived: "every request", Reload: true},
		{Key: "status", Kind: schema.Choice, Choices: []string{"429", "503"}, Default: "429", Reload: true},
		{Key: "fields", Kind: schema.Choice, Choices: []string{"refused", "all"}, Default: "refused", Reload: true},
		{Key: "dry_run", Kind: schema.Switch, Default: "off", Reload: true},
		{Key: "store", Kind: schema.Choice, Choices: []string{"memory", "redis"}, Default: "memory", Reload: true},
		{Key: "fail", Kind: schema.Choice, Choices: []string{"open", "closed"}, Default: "open", Reload: true},
		{Key: "ban_after", Kind: schema.Int, Default: "0", Reload: true},
		{Key: "ban_within", Kind: schema.Duration, Default: "60s", Reload: true},
		{Key: "ban_for", Kind: schema.Duration, Default: "1h", Reload: true},
		{Key: "ipv6_prefix", Kind: schema.Int, Default: "64", Least: leastPrefix, Reload: true},
		{Key: "keys", Kind: schema.Int, Default: "1000000", Least: leastKeys, Reload: true},
	}}
}

// Check finds mistakes in the limit's own values.
func (l *RateLimit) Check(r *schema.Row) {
	if !goodName(l.Name) && r.Given("name") {
		r.Bad("name", "%q is not a name; it has letters, digits, dots, dashes and underscores, %d at most", l.Name, maxName)
	}
	if why := badMount(l.Path); why != "" && !r.Unsure("path") {
		r.Bad("path", "path %q %s", l.Path, why)
	}
	for _, h := range l.Hosts {
		if why := badHost(h); why != "" {
			r.Bad("hosts", "host %q %s", h, why)
		}
	}
	if l.IPv6Prefix < leastPrefix || l.IPv6Prefix > 128 {
		r.Bad("ipv6_prefix", "ipv6_prefix is %d; it is %d to 128", l.IPv6Prefix, leastPrefix)
	}
	if l.Keys < leastKeys || l.Keys > mostKeys {
		r.Bad("keys", "keys is %d; it is %d to %d", l.Keys, leastKeys, mostKeys)
	}
	if l.BanAfter > mostBan {
		r.Bad("ban_after", "ban_after is %d; it is at most %d", l.BanAfter, mostBan)
	}
	if l.BanWithin < time.Second || l.BanWithin > 24*time.Hour {
		r.Bad("ban_within", "ban_within is %s; it is 1s to 24h", schema.FormatDuration(l.BanWithin))
	}
	checkBan(r, "ban_for", l.BanFor)
	if !r.Unsure("rate", "burst", "delay", "concurrency") {
		l.checkRate(r)
	}
}

func (l *RateLimit) checkRate(r *schema.Row) {
	interval := l.Rate.Interval()
	switch {
	case l.Rate.Count == 0 && l.Concurrency == 0:
		r.Bad("name", "%q has neither rate nor concurrency; write rate = \"10/s\"", l.Name)
	case l.Rate.Count == 0 && (l.Burst > 0 || l.Delay > 0):
		r.Bad("burst", "burst and delay are for requests above a rate, and there is none; write rate = \"10/s\"")
	case l.Rate.Count == 0 && l.Store == "redis":
		r.Bad("store", "store is for a rate, and there is none; concurrency is counted by each server for itself")
	case l.Burst > mostBurst:
		r.Bad("burst", "burst is %d; it is at most %d", l.Burst, mostBurst)
	case l.Delay > mostBurst || time.Duration(l.Delay)*interval > longestDelay:
		r.Bad("delay", "delay is %d: at this rate a request would wait longer than %s; lower it to %d", l.Delay, schema.FormatDuration(longestDelay), longestDelay/max(interval, 1))
	case interval > 0 && l.Burst > int(longestBurst/interval):
		r.Bad("burst", "burst is %d: at this rate it takes longer than 30 days to be free again; lower it to %d", l.Burst, longestBurst/interval)
	}
}

// Bounds is the rate with burst and delay.
func (l *RateLimit) Bounds() limit.Rate {
	r := l.Rate
	r.Burst, r.Delay = l.Burst, l.Delay
	return r
}

// ofApp reports whether the limit belongs to the requests of apps, and not to all of the site.
func (l *RateLimit) ofApp() bool { return l.App != "" || l.Key.NeedsApp() }

// LimitsOf are the limits of an app's requests; empty: those of all requests.
func LimitsOf(all []RateLimit, app string) (list []*RateLimit) {
	for i := range all {
		l := &all[i]
		if l.ofApp() == (app != "") && (l.App == "" || l.App == app) {
			list = append(list, l)
		}
	}
	return list
}

// checkRateLimits finds names that occur twice, and apps that there are not.
func checkRateLimits(c *Config, r *schema.Row) {
	for i := range c.RateLimits {
		l := &c.RateLimits[i]
		row := r.Other(fmt.Sprintf("limit.%d", i))
		if slices.ContainsFunc(c.RateLimits[:i], func(o RateLimit) bool { return o.Name == l.Name }) && row.Given("name") {
			row.Bad("name", "[[limit]] duplicate name %q; give each limit its own", l.Name)
		}
		if l.Store == "redis" && c.Servers.Redis == "" {
			row.Bad("store", "[[limit]] store is redis, and redis is not set; write redis = \"redis://127.0.0.1:6379\" at the top")
		}
		if l.App != "" && !slices.ContainsFunc(c.Apps, func(a App) bool { return a.Name == l.App }) {
			row.Bad("app", "[[limit]] there is no app %q", l.App)
		}
	}
}
