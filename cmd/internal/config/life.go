package config

import (
	"errors"
	"runtime"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Life is when workers start, are replaced and end. A worker that is replaced serves until the next one is ready.
type Life struct {
	BootTimeout  time.Duration `key:"boot_timeout"` // from a worker's start to Ready
	Preload      bool          `key:"preload"`      // a template imports the app and forks the workers
	Surge        Share         // workers more than configured during a reload
	Reload       bool          `key:"reload"`       // when a file of its modules changes
	TouchReload  []string      `key:"touch_reload"` // absolute; the app is reloaded when one of them changes
	Warmup       []string      `key:"warmup"`       // paths that a new worker has to answer before it serves
	IdleStop     time.Duration `key:"idle_stop"`    // without a request, after which all workers are stopped
	MaxRequests  int           `key:"max_requests"` // that one worker serves
	Jitter       Share         // of MaxRequests and MaxLifetime, added at random
	MaxLifetime  time.Duration `key:"max_lifetime"`  // of one worker
	MaxRSS       int64         `key:"max_rss"`       // bytes; a larger worker is replaced
	HardRSS      int64         `key:"hard_rss"`      // bytes; a larger worker is killed
	DrainTimeout time.Duration `key:"drain_timeout"` // for the requests of a worker that is replaced
}

// Settings are keys of [[app]].
func (*Life) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "boot_timeout", Kind: schema.Duration, Default: "60s", Reload: true},
		{Key: "preload", Kind: schema.Switch, Default: "off", Reload: true},
		{Key: "surge", Kind: schema.Text, Default: "25%", Derived: "at least 1", Reload: true, Hint: "N|N%|none",
			Set: schema.Set(setSurge), Show: schema.Show(func(l *Life) (string, bool) { return l.Surge.String(), true })},
		{Key: "reload", Kind: schema.Switch, Default: "off"},
		{Key: "touch_reload", Kind: schema.List, Reload: true},
		{Key: "warmup", Kind: schema.List, Reload: true},
		{Key: "idle_stop", Kind: schema.Duration, Default: "0", Reload: true},
		{Key: "max_requests", Kind: schema.Int, Default: "0", Reload: true},
		{Key: "max_requests_jitter", Kind: schema.Text, Default: "10%", Reload: true, Hint: "N|N%",
			Set:  schema.Set(func(l *Life, in schema.Input) error { return schema.Store(&l.Jitter, in.Last(), ParseShare) }),
			Show: schema.Show(func(l *Life) (string, bool) { return l.Jitter.String(), true })},
		{Key: "max_lifetime", Kind: schema.Duration, Default: "0", Reload: true},
		{Key: "max_rss", Kind: schema.Size, Default: "0", Reload: true},
		{Key: "hard_rss", Kind: schema.Size, Default: "0", Reload: true},
		{Key: "drain_timeout", Kind: schema.Duration, Default: "5m", Reload: true},
	}}
}

// setSurge reads a share, and "none".
func setSurge(l *Life, in schema.Input) error {
	if in.Last() == "none" {
		l.Surge = Share{None: true}
		return nil
	}
	var n Share
	if err := schema.Store(&n, in.Last(), ParseShare); err != nil {
		return err
	}
	if n == (Share{}) {
		return errors.New(`is 0; write "none" for workers that stop before the next ones start, or 1`)
	}
	l.Surge = n
	return nil
}

// Check finds values that do not go together.
func (l *Life) Check(r *schema.Row) {
	if l.Preload && l.Surge.None {
		r.Bad("surge", "preload and surge = \"none\" do not go together: the template that imports the next version lives beside the workers of the last one; leave one of them out")
	}
	if l.Preload && runtime.GOOS != "linux" {
		r.Bad("preload", "preload works on Linux only; leave it out")
	}
	if l.HardRSS > 0 && l.MaxRSS > l.HardRSS {
		r.Bad("max_rss", "max_rss is more than hard_rss: the worker would be killed before it is replaced")
	}
}

// checkWarmup finds paths that the app, mounted there, does not answer.
func (l *Life) checkWarmup(r *schema.Row, mount string) {
	for _, path := range l.Warmup {
		if !strings.HasPrefix(path, "/") || strings.ContainsFunc(path, isControl) {
			r.Bad("warmup", "warmup %q is not a path; write /health", path)
		} else if mount != "/" && path != mount && !strings.HasPrefix(path, mount+"/") {
			r.Bad("warmup", "warmup %q lies outside of the app's mount; write %s/health", path, mount)
		}
	}
}
