package compose

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/answer"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/rewrite"
	"github.com/standpipe/standpipe/bridge/route"
	"github.com/standpipe/standpipe/bridge/static"
	"github.com/standpipe/standpipe/bridge/target"
	"github.com/standpipe/standpipe/cmd/internal/config"
)

// routes are those of [[route]]; nil: there are none. apps are the handlers of apps, by name.
func (t *site) routes(p *parts, apps map[string]http.Handler, pages *httpx.Pages) (*route.Routes, error) {
	if len(t.cfg.Routes) == 0 {
		return nil, nil
	}
	list := make([]route.Route, len(t.cfg.Routes))
	names := routeNames(t.cfg.Routes)
	for i := range t.cfg.Routes {
		m := t.cfg.Routes[i].Conditions()
		matcher, err := m.Compile()
		if err != nil {
			return nil, err
		}
		one := &oneRoute{t: t, p: p, r: &t.cfg.Routes[i], name: names[i], matcher: matcher, pages: pages}
		if one.rule, err = one.rewriting(); err != nil {
			return nil, err
		}
		list[i].Name, list[i].Matcher = one.r.Where(), matcher
		if list[i].Handler, err = one.handler(apps); err != nil {
			return nil, err
		}
	}
	all := route.NewRoutes(list, pages)
	if p.trace != nil {
		all.Trace = p.trace.route
	}
	return all, nil
}

// routesAt is the stage of the routes at an address of Listen.Bare; empty: at those that no route names. nil: it is off.
func routesAt(all *route.Routes, address string) func(http.Handler) http.Handler {
	if all == nil {
		return nil
	}
	return all.At(address)
}

// oneRoute makes what answers for a route.
type oneRoute struct {
	t       *site
	p       *parts
	r       *config.Route
	name    string // in records and metrics
	matcher *route.Matcher
	rule    *rewrite.Rule // nil: the path stays, or the handler itself removes the prefix
	pages   *httpx.Pages
}

// handler returns a function that makes the handler, given what answers for requests that the route leaves to others.
func (o *oneRoute) handler(apps map[string]http.Handler) (func(next http.Handler) http.Handler, error) {
	build, err := o.inner(apps)
	if err != nil {
		return nil, err
	}
	stages := o.t.routeStages(o)
	return func(next http.Handler) http.Handler { return wrap(build(next), stages) }, nil
}

// inner is handler without the stages of the route.
func (o *oneRoute) inner(apps map[string]http.Handler) (func(next http.Handler) http.Handler, error) {
	always := func(h http.Handler) func(http.Handler) http.Handler {
		return func(http.Handler) http.Handler { return h }
	}
	a := &o.r.Answer
	switch o.r.Handler {
	case "static":
		return o.files(), nil
	case "app":
		return always(o.app(apps[a.App])), nil
	case "redirect":
		to, err := target.ParseURL(a.Redirect)
		if err != nil {
			return nil, err
		}
		return always(answer.NewRedirect(answer.RedirectOptions{To: to, Find: o.find(to), Status: a.Status, Pages: o.pages})), nil
	case "respond":
		h, err := o.fixed()
		return always(h), err
	}
	if o.p.trace != nil {
		return always(o.t.scripts(o.p, o.r, o.p.trace.upstreams(o.r), o.pages)), nil
	}
	h, err := o.t.newProxy(o.p, o.r, o.name, o.pages)
	if err != nil {
		return nil, err
	}
	return always(o.t.scripts(o.p, o.r, h, o.pages)), nil
}

// find finds the groups that a template names; nil: it names none.
func (o *oneRoute) find(t *target.Template) target.Find {
	if t.Groups() == 0 {
		return nil
	}
	return o.matcher.Find
}

// rewriting is how the path changes. Upstreams and folders remove the route's path by themselves: uwsgi has a variable for it, and
// a folder names it when it sends clients to the URL with a slash.
func (o *oneRoute) rewriting() (*rewrite.Rule, error) {
	w := &o.r.Rewrite
	rule := &rewrite.Rule{Prefix: o.matcher.Prefix()}
	switch {
	case w.Template != "":
		t, err := target.ParsePath(w.Template)
		if err != nil {
			return nil, err
		}
		rule.Template, rule.Find = t, o.find(t)
	case w.AddPrefix != "":
		rule.Add = strings.TrimSuffix(w.AddPrefix, "/")
	case w.ReplacePrefix != "":
		rule.Strip, rule.Add = true, strings.TrimSuffix(w.ReplacePrefix, "/")
	case o.r.StripPrefix && o.r.Handler == "app":
		rule.Strip, rule.Mounted = true, true
	default:
		return nil, nil
	}
	return rule, nil
}

// files serves a folder. Without rewriting it lies at the route's path; else the rewritten path names the file.
func (o *oneRoute) files() func(next http.Handler) http.Handler {
	f := &o.r.Answer.Files
	at, original := o.matcher.Prefix(), func(h http.Handler) http.Handler { return h }
	var shown func(*http.Request) *url.URL
	if o.rule != nil {
		at, original, shown = "", rewrite.Original, rewrite.Shown
	}
	what := at + " " + f.Link
	for n := 2; slices.Contains(o.t.rootNames, what); n++ {
		what = fmt.Sprintf("%s %s %d", at, f.Link, n)
	}
	folder := o.p.static.Route(o.t.cfg, what, at, f)
	o.t.rootNames, o.t.roots = append(o.t.rootNames, what), append(o.t.roots, folder)
	return func(next http.Handler) http.Handler {
		return o.p.static.Serve(o.t.cfg, folder, original(next), shown, o.pages)
	}
}

// app gives requests to an app, which has those below its mount.
func (o *oneRoute) app(h http.Handler) http.Handler {
	name := o.r.Answer.App
	mount := strings.TrimSuffix(o.t.run(name).app.Mount, "/")
	if mount == "" {
		return h
	}
	none := route.Absent(o.pages, o.p.log)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !route.Under(r.URL.Path, mount) {
			none.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// fixed gives every request the same answer.
func (o *oneRoute) fixed() (http.Handler, error) {
	a := &o.r.Answer
	f := answer.FixedOptions{Status: a.Respond, Type: a.ContentType, Pages: o.pages}
	kind := "text/plain; charset=utf-8"
	switch {
	case a.HasBody:
		f.Body = []byte(a.Body)
	case a.BodyFile != "":
		body, err := os.ReadFile(a.BodyFile)
		if err != nil {
			return nil, fmt.Errorf("body_file: %w", err)
		}
		f.Body = append([]byte{}, body...)
		if kind = static.TypeOf(a.BodyFile); strings.HasPrefix(kind, "text/") {
			kind += "; charset=utf-8"
		}
	}
	if f.Type == "" {
		f.Type = kind
	}
	return answer.NewFixed(f), nil
}
