package config

import (
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Config is what standpipe runs with: plain data, complete, checked. Every path in it is absolute. It does not change
// after Load has returned it. A limit of 0 means "no limit", everywhere.
//
// Each field whose type has settings is a part of the file: a slice is an array of tables, a struct with a key is a table,
// the keys of any other struct stand at the top. The order of the fields is that of the documentation.
type Config struct {
	File string // the TOML file that was read; empty: none
	Dir  string // the directory that standpipe was started in

	Trust     Trust
	Geo       Geo
	Responses Responses
	Folders   Folders
	Files     Files
	Memory    Memory
	Account   Account
	Control   Control
	Dashboard Dashboard
	Servers   Servers
	Scanners  Scanners
	Limits    Limits  // [limits]
	Cache     Cache   // [cache]
	Logs      Logs    // [log]
	Tracing   Tracing // [trace]
	Stop      Stop    // [stop]
	TLS       TLS     // [tls]
	ACME      ACME    // [acme]
	Dev       Dev     // [dev]

	Listen       []Listen      // [[listen]]; at least one
	Certificates []Certificate // [[certificate]]; see AllCertificates
	Access       []Access      // [[access]]
	Internal     []Internal    // [[internal]]; what X-Accel-Redirect may name; none: the field passes like any other
	Static       []Static      // [[static]]; folders of files for the whole server
	Apps         []App         // [[app]]; names are unique; none: routes or folders answer
	RateLimits   []RateLimit   // [[limit]]; bounds of what each client sends
	Fields       []FieldRule   // [[fields]]; changed fields of all requests and responses
	Routes       []Route       // [[route]]; requests for other servers: the first match wins; apps answer the rest

	MemoryLimit int64 // bytes that the machine has, or our control group may have; no setting; 0: unknown

	// Warnings are sentences for the log: the configuration is legal, but something in it has no effect
	// (GUNICORN_CMD_ARGS, a STANDPIPE_ variable that is not a setting).
	Warnings []string
}

// Settings are those of no other field.
func (*Config) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "bind", Kind: schema.List, Flags: []string{"bind", "b"}, Hint: "ADDRESS",
			Derived: "127.0.0.1:8000; 0.0.0.0:$PORT when PORT is set; the sockets of LISTEN_FDS when systemd passes some",
			Set:     schema.Set(setBind), Show: schema.Show(func(*Config) (string, bool) { return "", false })},
	}}
}

// Effective lists all values in force, with secrets masked.
func (c *Config) Effective(src *schema.Sources) []schema.Effective {
	out := product().Effective(c, src)
	if c.File != "" {
		read := schema.Source{Kind: schema.FromDerived, Where: "read"}
		out = append([]schema.Effective{{Key: "config", Value: c.File, Source: read.String()}}, out...)
	}
	return out
}
