package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/access"
	"github.com/standpipe/standpipe/bridge/netset"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Access says which clients may come to one place.
type Access struct {
	Path   string   // "/" or "/admin": starts with a slash, does not end with one
	Hosts  []string // as an app's
	On     []string // the addresses of this server that it is for, as Listen.Bare; none: all of them
	Except []string `key:"except"` // paths beneath Path that it is not for

	Allow, Deny           []string // networks, "all", "unix"
	AllowFiles, DenyFiles []string // absolute
}

// Settings are those of [[access]].
func (*Access) Settings() schema.Group {
	return schema.Group{Key: "access", FileOnly: true, Settings: []schema.Setting{
		{Key: "path", Kind: schema.Text, Default: "/", Reload: true,
			Set: schema.Set(func(a *Access, in schema.Input) error {
				a.Path = "/" + strings.Trim(in.Last(), "/")
				if v := in.Last(); v != "" && !strings.HasPrefix(v, "/") {
					return fmt.Errorf("%q does not begin with a slash; write /%s", v, v)
				}
				return nil
			}), Show: schema.Show(func(a *Access) (string, bool) { return a.Path, true })},
		{Key: "hosts", Kind: schema.List, Derived: "every host", Reload: true,
			Set: setHosts(func(a *Access) *[]string { return &a.Hosts }), Show: showHosts(func(a *Access) []string { return a.Hosts })},
		{Key: "listen", Kind: schema.List, Derived: "every address", Reload: true, Set: schema.Set(setAccessListen), Show: schema.Show(func(a *Access) (string, bool) {
			return strings.Join(a.On, ","), true
		})},
		{Key: "except", Kind: schema.List, Derived: "none", Reload: true},
		networksSetting("allow", "every address, if no other list says otherwise", func(a *Access) *[]string { return &a.Allow }),
		networksSetting("deny", "none", func(a *Access) *[]string { return &a.Deny }),
		listFiles("allow_files", func(a *Access) *[]string { return &a.AllowFiles }),
		listFiles("deny_files", func(a *Access) *[]string { return &a.DenyFiles }),
	}}
}

func networksSetting(key, derived string, at func(*Access) *[]string) schema.Setting {
	return schema.Setting{Key: key, Kind: schema.List, Derived: derived, Reload: true,
		Set: schema.Set(func(a *Access, in schema.Input) error {
			list := in.List()
			for _, v := range list {
				if v == "all" || v == "unix" {
					continue
				}
				if _, err := netset.Parse(v); err != nil {
					return fmt.Errorf("%w; all and unix are possible too", err)
				}
			}
			*at(a) = list
			return nil
		}), Show: schema.Show(func(a *Access) (string, bool) { return strings.Join(*at(a), ","), true })}
}

func listFiles(key string, at func(*Access) *[]string) schema.Setting {
	return schema.Setting{Key: key, Kind: schema.List, Derived: "none", Reload: true,
		Set: schema.Set(func(a *Access, in schema.Input) error {
			*at(a) = nil
			for _, v := range in.List() {
				if !filepath.IsAbs(v) {
					v = filepath.Join(in.Base, v)
				}
				*at(a) = append(*at(a), v)
			}
			return nil
		}), Show: schema.Show(func(a *Access) (string, bool) { return strings.Join(*at(a), ","), true })}
}

func setAccessListen(a *Access, in schema.Input) error {
	a.On = nil
	for _, v := range in.List() {
		l, err := ParseListen(v, in.Base)
		if err != nil {
			return err
		}
		a.On = append(a.On, l.Bare())
	}
	return nil
}

// Place names the table in records and counts: "/admin", "shop.example.org/admin".
func (a *Access) Place() string { return strings.Join(a.Hosts, "|") + a.Path }

// At reports whether the table is for an address of this server.
func (a *Access) At(l *Listen) bool {
	return len(a.On) == 0 || slices.Contains(a.On, l.Bare())
}

// Check finds mistakes in the table's own values.
func (a *Access) Check(row *schema.Row) {
	if why := badMount(a.Path); why != "" && !row.Unsure("path") {
		row.Bad("path", "path %q %s", a.Path, why)
	}
	for _, h := range a.Hosts {
		if why := badHost(h); why != "" {
			row.Bad("hosts", "host %q %s", h, why)
		}
	}
	for _, p := range a.Except {
		if why := badMount(p); why != "" {
			row.Bad("except", "except %q %s", p, why)
		} else if !access.PathUnder(p, a.Path) {
			row.Bad("except", "except %q is not beneath path %s; this table is not for it anyway", p, a.Path)
		}
	}
	if !row.Given("allow") && !row.Given("deny") && !row.Given("allow_files") && !row.Given("deny_files") {
		key := "path"
		if !row.Given(key) {
			key = "hosts"
		}
		row.Bad(key, "the table says nothing about clients; set allow, deny, allow_files or deny_files")
	}
	for _, v := range a.Allow {
		if slices.Contains(a.Deny, v) {
			row.Bad("allow", "%s is in allow and in deny; leave one of them out", v)
		}
	}
	checkLists(row, "allow_files", a.AllowFiles)
	checkLists(row, "deny_files", a.DenyFiles)
}

func checkLists(row *schema.Row, key string, files []string) {
	for _, path := range files {
		if err := access.CheckList(path); err != nil {
			if _, ok := errors.AsType[*os.PathError](err); ok {
				row.Bad(key, "%s: the file %s %v", key, path, reason(err))
				continue
			}
			row.Bad(key, "%s: %v", key, err)
		}
	}
}

// checkAccess finds tables for addresses that are not listened on.
func checkAccess(c *Config, r *schema.Row) {
	for i := range c.Access {
		row := r.Other(fmt.Sprintf("access.%d", i))
		for _, at := range c.Access[i].On {
			if !slices.ContainsFunc(c.Listen, func(l Listen) bool { return l.Bare() == at }) {
				row.Bad("listen", "[[access]] listen: this server does not listen on %s", at)
			}
		}
	}
}
