package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/target"
	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// handlers are the handlers of a route, with the key that each is set by.
var handlers = []struct{ name, key string }{{"proxy", "upstreams"}, {"static", "static"}, {"app", "app"}, {"redirect", "redirect"}, {"respond", "respond"}}

// onlyFor are the keys that mean something to some handlers alone.
var onlyFor = []struct {
	handlers []string
	keys     []string
}{
	{[]string{"proxy"}, append(slices.Concat(keysOfGroup((*Balance)(nil).Settings()), keysOfGroup((*Scripts)(nil).Settings()), keysOfGroup((*Find)(nil).Settings()), keysOfGroup((*Caching)(nil).Settings())), "request_buffering", "response_buffering", "send_proxy", "upgrades", "keepalive", "keepalive_timeout", "connect_timeout", "send_timeout", "read_timeout")},
	{[]string{"proxy", "static", "app"}, rewriteKeys},
	{[]string{"redirect"}, []string{"status"}},
	{[]string{"respond"}, []string{"body", "body_file", "content_type"}},
}

func keysOfGroup(g schema.Group) []string {
	keys := make([]string, len(g.Settings))
	for i := range g.Settings {
		keys[i] = g.Settings[i].Key
	}
	return keys
}

// set lists the handlers that have their key set.
func (r *Route) set(row *schema.Row) (list []string) {
	a := &r.Answer
	for i, yes := range []bool{len(r.Balance.All()) > 0 || r.Balance.Find.File != "" || row.Unsure("upstream.0.address"), a.Files.Dir != "", a.App != "", a.Redirect != "", a.Respond != 0} {
		if key := handlers[i].key; yes || row.Unsure(key) || row.Given(key) && key != "static" { // [route.static] may lack its dir
			list = append(list, handlers[i].name)
		}
	}
	return list
}

// completeRoutes fills in what follows from other values.
func completeRoutes(list []Route, v *schema.Values, tables []*schema.Table, base string) {
	for i := range list {
		r, path := &list[i], fmt.Sprintf("route.%d", i)
		r.src = tables[i].Src
		r.Answer.Files.complete(base)
		r.Balance.Find.read(v.Row(path, "[[route]] "))
		if set := r.set(v.Row(path, "")); r.Handler == "" && len(set) > 0 {
			r.Handler = set[0]
			v.Sources.Put(path+".handler", derived(keyOf(set[0])+" is set"))
		}
	}
}

func keyOf(handler string) string {
	for _, h := range handlers {
		if h.name == handler {
			return h.key
		}
	}
	return ""
}

// checkHandler finds routes that do not have one handler, and keys that mean nothing to it.
func (r *Route) checkHandler(row *schema.Row) {
	list := r.set(row)
	switch {
	case len(list) == 0:
		row.BadRow("has no handler; write one of upstreams, static, app, redirect and respond")
		return
	case len(list) > 1:
		row.Bad(keyOf(list[1]), "%s and %s are both set; a route has one handler", keyOf(list[0]), keyOf(list[1]))
		return
	case r.Handler != list[0] && !row.Unsure("handler"):
		row.Bad("handler", "handler is %s, and %s is set; leave handler out", r.Handler, keyOf(list[0]))
		return
	}
	if table := row.Other(row.Path + ".static"); r.Answer.Files.Dir == "" {
		for _, key := range keysOfGroup(r.Answer.Files.FileRules.Settings()) {
			if table.Given(key) {
				table.Bad(key, "[route.static] has no dir; write one, or leave the table out")
			}
		}
	}
	for _, one := range onlyFor {
		for _, key := range one.keys {
			if row.Given(key) && !slices.Contains(one.handlers, list[0]) {
				advice := ""
				if list[0] == "static" && slices.Contains(keysOfGroup((*FileRules)(nil).Settings()), key) {
					advice = "; for files it is a key of [route.static]"
				}
				row.Bad(key, "%s is for routes with %s, and this one has %s%s", key, keysOf(one.handlers), keyOf(list[0]), advice)
			}
		}
	}
	r.checkRewrite(row)
	if r.Answer.Redirect != "" {
		t, err := target.ParseURL(r.Answer.Redirect)
		r.checkTemplate(row, "redirect", t, err)
	}
}

func keysOf(list []string) string {
	keys := make([]string, len(list))
	for i, name := range list {
		keys[i] = keyOf(name)
	}
	return strings.Join(keys, ", ")
}

// checkApp finds routes to apps that do not exist, or that do not have the path.
func (r *Route) checkApp(row *schema.Row, apps []App) {
	name := r.Answer.App
	if name == "" {
		return
	}
	i := slices.IndexFunc(apps, func(a App) bool { return a.Name == name })
	if i < 0 {
		names := make([]string, len(apps))
		for j := range apps {
			names[j] = apps[j].Name
		}
		row.Bad("app", "[[route]] there is no app %q; the apps are: %s", name, cmp.Or(strings.Join(names, ", "), "none"))
		return
	}
	mount := strings.TrimSuffix(apps[i].Mount, "/")
	if len(r.rewrites()) == 0 && !strings.HasPrefix(r.Path+"/", mount+"/") && !strings.HasPrefix(mount+"/", strings.TrimSuffix(r.Path, "/")+"/") {
		row.Bad("app", "[[route]] path %s is not below the mount %s of the app %q; replace_prefix = %q changes it", r.Path, mount, name, mount)
	}
}

// takesAll reports whether the route answers every request for its path and hosts.
func (r *Route) takesAll() bool {
	return r.Match.any() && (r.Handler != "static" || r.Answer.Files.Missing != "app")
}

// Where is the line of the file that the route begins in.
func (r *Route) Where() string { return r.src.Position() }
