package config

import (
	"fmt"
	"strings"

	"github.com/standpipe/standpipe/bridge/target"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// RouteRewrite says how a route changes the path, besides strip_prefix. At most one of all is set.
type RouteRewrite struct {
	AddPrefix     string // "" or "/v2"
	ReplacePrefix string // "/" or "/v2"; empty: it is not set
	Template      string `key:"rewrite"` // of a path, and perhaps a query
}

// Settings are keys of [[route]].
func (*RouteRewrite) Settings() schema.Group {
	prefix := func(key string, at func(*RouteRewrite) *string) schema.Setting {
		return schema.Setting{Key: key, Kind: schema.Text, Reload: true,
			Set: schema.Set(func(w *RouteRewrite, in schema.Input) error {
				v := in.Last()
				if why := badPath(v); why != "" {
					return fmt.Errorf("%q %s", v, why)
				}
				*at(w) = "/" + strings.Trim(v, "/")
				return nil
			}), Show: schema.Show(func(w *RouteRewrite) (string, bool) { return *at(w), *at(w) != "" })}
	}
	return schema.Group{Settings: []schema.Setting{
		prefix("add_prefix", func(w *RouteRewrite) *string { return &w.AddPrefix }),
		prefix("replace_prefix", func(w *RouteRewrite) *string { return &w.ReplacePrefix }),
		{Key: "rewrite", Kind: schema.Text, Reload: true},
	}}
}

// rewriteKeys are the ways to change a path.
var rewriteKeys = []string{"strip_prefix", "add_prefix", "replace_prefix", "rewrite"}

// rewrites lists the ways that the route uses.
func (r *Route) rewrites() (list []string) {
	w := &r.Rewrite
	for i, set := range []bool{r.StripPrefix, w.AddPrefix != "", w.ReplacePrefix != "", w.Template != ""} {
		if set {
			list = append(list, rewriteKeys[i])
		}
	}
	return list
}

// checkRewrite finds mistakes in how the path changes.
func (r *Route) checkRewrite(row *schema.Row) {
	list := r.rewrites()
	if len(list) > 1 {
		advice := "a route has one of them"
		if list[0] == "strip_prefix" && list[1] == "add_prefix" {
			advice = "write replace_prefix for both"
		}
		row.Bad(list[1], "%s and %s are both set; %s", list[0], list[1], advice)
	}
	if r.Rewrite.Template != "" {
		t, err := target.ParsePath(r.Rewrite.Template)
		r.checkTemplate(row, "rewrite", t, err)
	}
}

// checkTemplate finds groups that no expression has.
func (r *Route) checkTemplate(row *schema.Row, key string, t *target.Template, err error) {
	if err != nil {
		row.Bad(key, "%s %v", key, err)
		return
	}
	m := r.Conditions()
	matcher, err := m.Compile()
	switch {
	case err != nil || t.Groups() == 0: // there is a problem already
	case len(r.Match.Regexes) != 1:
		row.Bad(key, "%s %q names the group {%d}; groups are those of path_regex, which then has one expression", key, t, t.Groups())
	case matcher.Groups() < t.Groups():
		row.Bad(key, "%s %q names the group {%d}, and path_regex has %s", key, t, t.Groups(), plural(matcher.Groups(), "group"))
	}
}
