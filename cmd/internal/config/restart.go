package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Fixed lists the settings in which next differs from c and that a reload does not change: the addresses, the places of
// logs and files, the limits of connections.
func (c *Config) Fixed(next *Config) []string {
	top := product().Top
	keys := top.Changed(c, next, "")
	if !slices.EqualFunc(c.Listen, next.Listen, Listen.sameButReload) {
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

// sameButReload reports whether a reload makes the one of the other.
func (l Listen) sameButReload(o Listen) bool { return reflect.DeepEqual(l.with(&o), o) }

// with is l with the settings of o that a reload changes.
func (l Listen) with(o *Listen) Listen {
	l.ClientCA, l.ClientAuth, l.Hosts = o.ClientCA, o.ClientAuth, o.Hosts
	return l
}

// Reloaded are the addresses of c as a reload to next leaves them.
func (c *Config) Reloaded(next *Config) []Listen {
	list := slices.Clone(c.Listen)
	for i, at := range list {
		j := i // two addresses with port 0 are written in one way
		if i >= len(next.Listen) || next.Listen[i].String() != at.String() {
			j = slices.IndexFunc(next.Listen, func(l Listen) bool { return l.String() == at.String() })
		}
		if j >= 0 {
			list[i] = at.with(&next.Listen[j])
		}
	}
	return list
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
