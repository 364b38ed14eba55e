package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Effective is one setting as it is in force.
type Effective struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

// mask stands for a value that nobody should read in a terminal or a bug report.
const mask = "******"

// Effective lists everything that is in force, with secrets masked.
func (c *Config) Effective(src *Sources) []Effective {
	var out []Effective
	add := func(key, value string, s Source) { out = append(out, Effective{key, value, s.String()}) }
	if c.File != "" {
		add("config", c.File, Source{FromDerived, "read"})
	}
	for i := range c.Listen {
		for _, s := range listenSettings() {
			path := listenPath(i, s.Key)
			if v, ok := s.value(target{cfg: c, listen: &c.Listen[i]}); ok {
				add(path, v, src.Of(path))
			}
		}
	}
	for i := range c.Internal {
		for _, s := range internalSettings() {
			path := internalPath(i, s.Key)
			if v, ok := s.value(target{cfg: c, internal: &c.Internal[i]}); ok {
				add(path, v, src.Of(path))
			}
		}
	}
	for i := range c.Static {
		for _, s := range staticSettings() {
			if v, ok := s.value(target{cfg: c, static: &c.Static[i]}); ok && v != "" {
				path := staticPath("", i, s.Key)
				add(path, v, src.Of(path))
			}
		}
	}
	for i := range c.Routes {
		for _, s := range routeSettings() {
			path := routePath(i, s.Key)
			if v, ok := s.value(target{cfg: c, route: &c.Routes[i]}); ok {
				add(path, v, src.Of(path))
			}
		}
	}
	for i := range c.Apps {
		a := &c.Apps[i]
		for _, s := range appSettings() {
			path := appPath(a.Name, s.Key)
			v, ok := s.value(target{cfg: c, app: a})
			from := src.Of(path)
			switch {
			case s.Key == "name":
				continue // it is in every key
			case s.Key == "module" && a.Module == "":
				v, from = "first of "+strings.Join(a.Candidates, " "), Source{FromDerived, "found in dir"}
			case s.Key == "dir" && !from.Given():
				from = Source{FromDerived, "current folder"}
				if c.File != "" && a.Dir != c.Dir {
					from.Where = "the file's folder"
				}
			case s.Key == "python":
				v, from = a.Interpreter.Path, Source{FromDerived, a.Interpreter.How}
			case v == "" && !from.Given():
				continue
			}
			if ok {
				add(path, v, from)
			}
		}
		out = append(out, a.effectiveEnv()...)
	}
	for _, s := range slices.Concat(serverSettings(), controlSettings()) {
		from := src.Of(s.FileKey())
		v, ok := s.value(target{cfg: c})
		if !ok || v == "" && !from.Given() {
			continue
		}
		add(s.FileKey(), v, from)
	}
	return out
}

func (a *App) effectiveEnv() []Effective {
	var out []Effective
	for i, v := range a.Env {
		if slices.ContainsFunc(a.Env[i+1:], func(w EnvVar) bool { return w.Name == v.Name }) {
			continue // a later one wins
		}
		out = append(out, Effective{appPath(a.Name, "env."+v.Name), Masked(v.Name, v.Value), v.Source.String()})
	}
	return out
}

// Masked is value, or stars when the name says that it is a secret; a password inside a URL is masked too.
func Masked(name, value string) string {
	if value == "" {
		return value
	}
	n := strings.ToUpper(name)
	for _, part := range []string{"PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "KEY", "TOKEN", "CREDENTIAL", "DSN", "AUTH"} {
		if strings.Contains(n, part) {
			return mask
		}
	}
	if strings.Contains(value, "://") && strings.Contains(value, "@") {
		u, err := url.Parse(value)
		if err != nil {
			return mask
		}
		if _, has := u.User.Password(); has {
			u.User = url.UserPassword(u.User.Username(), mask)
			return strings.Replace(u.String(), url.QueryEscape(mask), mask, 1)
		}
	}
	return value
}

// Fixed lists the settings in which next differs from c and that a reload does not
// change: what listens, where logs and files are, the connections' limits.
func (c *Config) Fixed(next *Config) []string {
	var keys []string
	for _, s := range Settings() {
		if s.Scope != OfServer || s.Reload {
			continue
		}
		was, _ := s.value(target{cfg: c})
		is, _ := s.value(target{cfg: next})
		if was != is {
			keys = append(keys, s.FileKey())
		}
	}
	if !slices.Equal(c.Listen, next.Listen) {
		keys = append(keys, "bind")
	}
	for i := range next.Apps {
		a := &next.Apps[i]
		was := &App{}
		if j := slices.IndexFunc(c.Apps, func(b App) bool { return b.Name == a.Name }); j >= 0 {
			was = &c.Apps[j]
		}
		for _, s := range appSettings() {
			if s.Reload || s.Key == "name" || s.Key == "module" || s.Key == "dir" {
				continue
			}
			before, _ := s.value(target{cfg: c, app: was})
			after, _ := s.value(target{cfg: next, app: a})
			if before != after {
				keys = append(keys, appPath(a.Name, s.Key))
			}
		}
	}
	return keys
}

// RestartNeeded is the error of a reload that is in force, but for settings that a reload does not change (Fixed).
type RestartNeeded struct{ Settings []string }

func (e *RestartNeeded) Error() string {
	verb := "has"
	if len(e.Settings) > 1 {
		verb = "have"
	}
	return fmt.Sprintf("%s %s changed, which takes a restart; everything else is in force", strings.Join(e.Settings, ", "), verb)
}
