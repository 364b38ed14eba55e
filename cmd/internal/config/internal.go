package config

import (
	"path"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Internal maps what an app's X-Accel-Redirect may name to a folder.
type Internal struct {
	URL  string `key:"url"` // "/protected/"; starts with a slash
	Dir  string `key:"dir"` // absolute
	Link string // Dir as configured, where Released has resolved it; else empty

	Headers []string // name, value, ... of responses with its files
}

// Settings are those of [[internal]].
func (*Internal) Settings() schema.Group {
	return schema.Group{Key: "internal", FileOnly: true, Settings: []schema.Setting{
		{Key: "url", Kind: schema.Text, Required: `url = "/protected/" and dir = "/srv/files"`},
		{Key: "dir", Kind: schema.Path, Required: `url = "/protected/" and dir = "/srv/files"`},
		headersSetting(false, func(i *Internal) *[]string { return &i.Headers }),
	}}
}

// Check finds a path that is not one, and a missing folder.
func (i *Internal) Check(r *schema.Row) {
	if r.Given("url") && (!strings.HasPrefix(i.URL, "/") || i.URL != path.Clean(i.URL) && i.URL != path.Clean(i.URL)+"/") {
		r.Bad("url", "url %q is not a path; it starts with a slash and has no dot segments: \"/protected/\"", i.URL)
	}
	if r.Given("dir") {
		if err := checkFolder(i.Dir); err != nil {
			r.Bad("dir", "dir: %v", err)
		}
	}
}
