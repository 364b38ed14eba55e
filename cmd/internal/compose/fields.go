package compose

import (
	"github.com/standpipe/standpipe/bridge/fields"
	"github.com/standpipe/standpipe/cmd/internal/config"
)

// changes are the rules of the stage that changes fields.
func changes(list []config.FieldRule) []fields.Rule {
	out := make([]fields.Rule, len(list))
	for i := range list {
		f := &list[i]
		u := &out[i]
		u.Response, u.Statuses = f.Side == "response", f.Statuses
		for _, name := range f.Remove {
			u.Changes = append(u.Changes, fields.Change{Op: fields.Remove, Name: name})
		}
		for _, v := range f.Set {
			u.Changes = append(u.Changes, fields.Change{Op: fields.Set, Name: v.Name, Value: v.Value})
		}
		for _, v := range f.Add {
			u.Changes = append(u.Changes, fields.Change{Op: fields.Add, Name: v.Name, Value: v.Value})
		}
	}
	return out
}

// crossOrigin are the options of the stage for pages of other origins.
func crossOrigin(p *config.Presets) fields.CORSOptions {
	c := &p.CORS
	return fields.CORSOptions{Origins: c.Origins, Methods: c.Methods, Headers: c.Headers, Expose: c.Expose, Credentials: c.Credentials, MaxAge: c.MaxAge}
}
