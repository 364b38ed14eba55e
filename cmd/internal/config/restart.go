package config

import (
	"fmt"
	"slices"
	"strings"
)

// Fixed lists the settings in which next differs from c and that a reload does not change: the addresses, the places of
// logs and files, the limits of connections.
func (c *Config) Fixed(next *Config) []string {
	top := product().Top
	keys := top.Changed(c, next, "")
	if !slices.Equal(c.Listen, next.Listen) {
		keys = append(keys, "bind")
	}
	scope := top.Table("app")
	for i := range next.Apps {
		a, was := &next.Apps[i], &App{}
		if j := slices.IndexFunc(c.Apps, func(b App) bool { return b.Name == a.Name }); j >= 0 {
			was = &c.Apps[j]
		}
		keys = append(keys, scope.Changed(was, a, appRow(a.Name))...)
	}
	return keys
}

// RestartNeeded is the error of a reload that is in force except for settings that need a restart (Fixed).
type RestartNeeded struct{ Settings []string }

func (e *RestartNeeded) Error() string {
	verb := "has"
	if len(e.Settings) > 1 {
		verb = "have"
	}
	return fmt.Sprintf("%s %s changed, which takes a restart; everything else is in force", strings.Join(e.Settings, ", "), verb)
}
