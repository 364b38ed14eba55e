package config

import (
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Server is one upstream of a route.
type Server struct {
	At       Upstream
	Weight   int  `key:"weight"`
	MaxConns int  `key:"max_conns"` // 0: no limit
	Backup   bool `key:"backup"`
	Down     bool `key:"down"`
}

const maxWeight = 1000

// Settings are those of [[route.upstream]].
func (*Server) Settings() schema.Group {
	return schema.Group{Key: "upstream", FileOnly: true, Settings: []schema.Setting{
		{Key: "address", Kind: schema.Text, Reload: true, Required: `address = "http://127.0.0.1:3000"`, Vital: true,
			Set: schema.Set(func(s *Server, in schema.Input) error {
				u, err := ParseUpstream(in.Last(), in.Base)
				if err == nil {
					s.At = u
				}
				return err
			}), Show: schema.Show(func(s *Server) (string, bool) { return s.At.String(), true })},
		{Key: "weight", Kind: schema.Int, Least: 1, Default: "1", Reload: true},
		{Key: "max_conns", Kind: schema.Int, Default: "0", Reload: true},
		{Key: "backup", Kind: schema.Switch, Default: "off", Reload: true},
		{Key: "down", Kind: schema.Switch, Default: "off", Reload: true},
	}}
}

// Check finds mistakes in the row's own values.
func (s *Server) Check(row *schema.Row) {
	if s.Weight < 1 || s.Weight > maxWeight {
		row.Bad("weight", "weight is %d; it is 1 to %d; down = true takes an upstream out of use", s.Weight, maxWeight)
	}
}
