package config

import (
	"net/url"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/address"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Health are the active checks of a route's upstreams.
type Health struct {
	Path     string        `key:"path"` // empty: only a connection is made
	Interval time.Duration // 0: there are no checks
	Timeout  time.Duration `key:"timeout"`
	Rise     int           `key:"rise"`
	Fall     int           `key:"fall"`
	Statuses [][2]int      // from, to
	Body     string        `key:"body"`
	Host     string        `key:"host"`
	Jitter   int           `key:"jitter"` // percent of Interval

	given bool // interval was set
}

// usualInterval is the interval where only the path is set.
const usualInterval = 5 * time.Second

// Every is the time between two checks; 0: there are none.
func (h *Health) Every() time.Duration {
	if !h.given && h.Path != "" {
		return usualInterval
	}
	return h.Interval
}

// Settings are those of [route.health].
func (*Health) Settings() schema.Group {
	return schema.Group{Key: "health", FileOnly: true, Settings: []schema.Setting{
		{Key: "path", Kind: schema.Text, Reload: true, Derived: "none: a check is a connection"},
		{Key: "interval", Kind: schema.Duration, Reload: true, Derived: "5s where `path` is set; else there are no checks",
			Set: schema.Set(func(h *Health, in schema.Input) error {
				err := schema.Store(&h.Interval, in.Last(), schema.ParseDuration)
				h.given = err == nil
				return err
			}), Show: schema.Show(func(h *Health) (string, bool) { return schema.FormatDuration(h.Every()), true })},
		{Key: "timeout", Kind: schema.Duration, Default: "2s", Reload: true},
		{Key: "rise", Kind: schema.Int, Least: 1, Default: "2", Reload: true},
		{Key: "fall", Kind: schema.Int, Least: 1, Default: "2", Reload: true},
		{Key: "status", Kind: schema.List, Default: "200-399", Reload: true, Set: schema.Set(setStatuses), Show: schema.Show(showStatuses)},
		{Key: "body", Kind: schema.Text, Reload: true},
		{Key: "host", Kind: schema.Text, Reload: true, Derived: "that of the upstream's address"},
		{Key: "jitter", Kind: schema.Int, Default: "10", Reload: true},
	}}
}

func setStatuses(h *Health, in schema.Input) (err error) {
	h.Statuses, err = parseStatuses(in.List())
	return err
}

func showStatuses(h *Health) (string, bool) { return formatStatuses(h.Statuses), true }

// Check finds mistakes in the values.
func (h *Health) Check(row *schema.Row) {
	if h.Path != "" {
		if u, err := url.ParseRequestURI(h.Path); err != nil || !strings.HasPrefix(h.Path, "/") || u.Host != "" {
			row.Bad("path", "path %q is not a path; write \"/health\"", h.Path)
		}
	}
	if h.Host != "" {
		if _, _, err := address.Split(h.Host); err != nil {
			row.Bad("host", "host: %v", err)
		}
	}
	if every := h.Every(); every > 0 && every < 100*time.Millisecond {
		row.Bad("interval", "interval is %s; the shortest is 100ms", schema.FormatDuration(every))
	}
	for key, n := range map[string]int{"rise": h.Rise, "fall": h.Fall} {
		if n < 1 {
			row.Bad(key, "%s is %d; it is 1 or more", key, n)
		}
	}
	if h.Timeout == 0 {
		row.Bad("timeout", "timeout is 0; a check needs an end: write 2s")
	}
	if h.Jitter > 100 {
		row.Bad("jitter", "jitter is %d; it is a part of interval in percent, 0 to 100", h.Jitter)
	}
	if h.Path == "" && (h.Body != "" || h.Host != "" || row.Given("status")) {
		row.BadRow("status, body and host are about a response, and without a path none is asked for; set path")
	}
	if len(h.Statuses) == 0 && !row.Unsure("status") {
		row.Bad("status", "status is empty; write [\"200-399\"]")
	}
}
