package config

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/fields"
	"github.com/standpipe/standpipe/cmd/internal/address"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Presets are lists of fields of an app or a route that go by one name.
type Presets struct {
	CORS     CORS // [app.cors]
	Security bool `key:"security_fields"` // usual fields for browsers
}

// Settings are keys of [[app]] and [[route]].
func (*Presets) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{{Key: "security_fields", Kind: schema.Switch, Default: "off", Reload: true}}}
}

// CORS says which pages of other origins may read responses.
type CORS struct {
	Origins     []string      `key:"origins"` // none: there is no preset
	Methods     []string      `key:"methods"`
	Headers     []string      `key:"headers"`
	Expose      []string      `key:"expose"`
	Credentials bool          `key:"credentials"`
	MaxAge      time.Duration `key:"max_age"`
}

// Settings are those of [app.cors] and [route.cors].
func (*CORS) Settings() schema.Group {
	return schema.Group{Key: "cors", FileOnly: true, Settings: []schema.Setting{
		{Key: "origins", Kind: schema.List, Reload: true},
		{Key: "methods", Kind: schema.List, Default: "GET,HEAD,POST", Reload: true},
		{Key: "headers", Kind: schema.List, Reload: true},
		{Key: "expose", Kind: schema.List, Reload: true},
		{Key: "credentials", Kind: schema.Switch, Default: "off", Reload: true},
		{Key: "max_age", Kind: schema.Duration, Default: "10m", Reload: true},
	}}
}

// Check finds origins that no browser sends, and permissions that browsers refuse.
func (c *CORS) Check(row *schema.Row) {
	if len(c.Origins) == 0 {
		for _, key := range []string{"methods", "headers", "expose", "credentials", "max_age"} {
			if row.Given(key) && !row.Unsure("origins") {
				row.Bad(key, "%s is for the pages of some origins, and there is no origins", key)
			}
		}
		return
	}
	for _, o := range c.Origins {
		if err := fields.ParseOrigin(o); err != nil {
			row.Bad("origins", "origins: %v", err)
		} else if u, err := url.Parse(strings.Replace(o, "://*.", "://", 1)); err == nil && u.Host != "" {
			if err := address.InURL(u); err != nil {
				row.Bad("origins", "origins: %q: %v", o, err)
			}
		}
	}
	all := slices.Contains(c.Origins, "*")
	switch {
	case all && c.Credentials:
		row.Bad("credentials", "credentials and the origin * are both set: every site could act for its visitors, and browsers refuse it; name the origins")
	case all && len(c.Origins) > 1:
		row.Bad("origins", "origins: * stands for all others; leave them out")
	}
	for key, list := range map[string][]string{"methods": c.Methods, "headers": c.Headers, "expose": c.Expose} {
		for _, v := range list {
			if !isToken(v) {
				row.Bad(key, "%s: %q is not a name", key, v)
			}
		}
	}
}
