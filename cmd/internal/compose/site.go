package compose

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/access"
	"github.com/standpipe/standpipe/bridge/chain"
	"github.com/standpipe/standpipe/bridge/compress"
	"github.com/standpipe/standpipe/bridge/fields"
	"github.com/standpipe/standpipe/bridge/forwarded"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/maintain"
	"github.com/standpipe/standpipe/bridge/rewrite"
	"github.com/standpipe/standpipe/bridge/route"
	"github.com/standpipe/standpipe/bridge/upstream"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/staticfiles"
	"github.com/standpipe/standpipe/supervisor"
)

// This page is the way of a request: a way in (listeners.go), the stages of the site, the
// router, the stages of an app, the app's handler.

// Stage is one step of that way.
type Stage struct {
	Name string
	Wrap func(next http.Handler) http.Handler // nil: the stage is off
}

// outer are the stages that refused requests have too.
func (t *site) outer(p *parts, trust *forwarded.Trust, trusted *forwarded.Fields, pages *httpx.Pages) []Stage {
	observers := t.exporter.beside(p.observers)
	return []Stage{
		{"done", on(len(observers) > 0, chain.Done(observers...))}, // sees what all others did
		{"panics", chain.Panics(chain.PanicsOptions{Pages: pages, Log: p.log})},
		{"peer", forwarded.Peer(trust)},
		{"id", chain.ID(trusted.ID())},              // behind peer: a trusted proxy's id is kept
		{"trace", t.exporter.stage(&t.cfg.Tracing)}, // behind peer, and before all that refuses or answers
		{"server timing", on(t.cfg.Tracing.ServerTiming, chain.ServerTiming())},
		{"request start", on(t.cfg.Tracing.RequestStart, chain.RequestStart())}, // behind peer
		{"server field", on(t.cfg.Responses.ServerHeader != "", chain.ServerField(t.cfg.Responses.ServerHeader))},
	}
}

// stages are the stages of every request of a site, the first one outermost. Where the order
// matters, the comment says why. apps are the handlers of apps, which routes may name.
func (t *site) stages(p *parts, apps map[string]http.Handler, pages *httpx.Pages) ([]Stage, error) {
	cfg := t.cfg
	trust, err := trustOf(cfg)
	if err != nil {
		return nil, err
	}
	trusted, err := forwarded.ParseFields(cfg.Trust.Fields)
	if err != nil {
		return nil, fmt.Errorf("trusted_fields: %w", err)
	}
	if t.routed, err = t.routes(p, apps, pages); err != nil {
		return nil, err
	}
	scanned, err := t.scanners(p, pages)
	if err != nil {
		return nil, err
	}
	outer := t.outer(p, trust, trusted, pages)
	t.refused = wrap(p.refusals.handler(pages), outer)
	return append(outer,
		Stage{"path", chain.Path()}, // before all that look at the path
		Stage{"health", on(cfg.Responses.HealthPath != "off", chain.Health(p.healthOptions(cfg)))}, // before forwarded, so that a balancer's checks cause no records
		Stage{"forwarded", forwarded.New(forwarded.Options{Trust: trust, Fields: trusted, Log: p.log})},
		Stage{"hsts", on(cfg.TLS.HSTS != "off", chain.HSTS(cfg.TLS.HSTS))}, // behind forwarded, which may know the scheme
		Stage{"fields", fields.New(changes(cfg.Fields))},                   // [[fields]]: refusals have them too
		Stage{"limits", chain.Limits(chain.LimitsOptions{MaxBody: cfg.Limits.MaxBody, MaxTarget: int(cfg.Limits.MaxTarget), MaxFields: cfg.Limits.MaxFields, Pages: pages, Log: p.log})},
		Stage{"denied", access.NewDenials(t.access.all)},                                                // standpipe deny
		Stage{"purge", p.purges.method(t, pages)},                                                       // PURGE of cache_purge_from; before maintenance, during which it is needed as well
		Stage{"maintenance", maintain.New(maintain.Options{List: p.clients.Maintenance, Pages: pages})}, // standpipe maintenance
		Stage{"limit", t.limit("", p, pages)},                                                           // [[limit]]
		Stage{"access", t.access.stage(-1)},                                                             // [[access]]: behind limits, which refuses paths that can be read in two ways, and limit, which counts wrong passwords
		Stage{"dev", p.devStage()},                                                                      // in development: behind access, which may keep its pages from some clients
		Stage{"static", p.static.Stage(cfg, t.hosts, pages)},                                            // [[static]]
		Stage{"routes", routesAt(t.routed, "")},                                                         // [[route]]
		Stage{"scanners", scanned},                                                                      // what a folder or a route has at such a path is served
	), nil
}

// appStages are the stages of one app, the first one outermost.
func (t *site) appStages(p *parts, r run, pages *httpx.Pages) []Stage {
	files := t.cfg.Files
	var codings []string
	if r.app.Files.CompressApp {
		codings = files.CompressCodings
	}
	return []Stage{
		{"fields", fields.New(changes(r.app.Fields))},      // files of the app and error pages in its place have them too
		{"cors", fields.CORS(crossOrigin(&r.app.Presets))}, // behind fields, which may change what it says
		{"security fields", on(r.app.Presets.Security, fields.Security)},
		{"maintenance", maintain.New(maintain.Options{List: p.clients.Maintenance, App: r.app.Name, Pages: pages})}, // before its files
		{"static", p.static.AppStage(t.cfg, r.files, pages)},
		{"hold", p.hold(r.app, pages)},                     // in development; files do not wait, and a page of the cache may be of older code
		{"cache", p.caching(t.cfg, r.app, codings, pages)}, // before limit, which counts what the app has to do, and compress: answers are stored as they are sent
		{"limit", t.limit(r.app.Name, p, pages)},           // [[limit]] for apps; files are not counted
		{"compress", on(len(codings) > 0,
			compress.New(compress.Options{Codings: codings, Types: files.MediaTypes(), MinSize: files.CompressMin}))},
		{"live", p.live(r.app)}, // in development; behind compress: it reads the HTML
	}
}

// routeStages are the stages of one route, the first one outermost.
func (t *site) routeStages(o *oneRoute) []Stage {
	var rule rewrite.Rule
	if o.rule != nil {
		rule = *o.rule
	}
	return []Stage{
		{"fields", fields.New(changes(o.r.Fields))},
		{"cors", fields.CORS(crossOrigin(&o.r.Presets))},
		{"security fields", on(o.r.Presets.Security, fields.Security)},
		{"cache", o.caching()},
		{"rewrite", on(o.rule != nil, rewrite.Stage(rewrite.Options{Rule: rule, Pages: o.pages, Log: o.p.log}))}, // the last one: all others see the client's path
	}
}

// assemble makes the handler of the site.
func (t *site) assemble(p *parts) error {
	pages, err := httpx.LoadPages(t.cfg.Responses.ErrorPages)
	if err != nil {
		return err
	}
	t.exporter = p.traces.of(&t.cfg.Tracing)
	rules, apps := make([]route.Rule, 0, len(t.runs)), make(map[string]http.Handler, len(t.runs))
	for _, r := range t.runs {
		h := p.trace.app(r.app)
		if h == nil {
			h = p.appHandler(t.cfg, r.app, r.pool, pages)
		}
		h = wrap(h, t.appStages(p, r, pages))
		apps[r.app.Name] = h
		rules = append(rules, route.Rule{Name: r.app.Name, Mount: r.app.Mount, Hosts: r.app.Hosts, Handler: h})
	}
	router, err := route.New(rules, pages, p.log)
	if err != nil {
		return err
	}
	if p.trace != nil {
		router.Trace = p.trace.pattern
	}
	if t.hosts, err = p.static.Group(t.cfg); err != nil {
		return err
	}
	if t.access, err = p.clients.rules(t, pages, p.trace); err != nil {
		return err
	}
	stages, err := t.stages(p, apps, pages)
	if err != nil {
		return err
	}
	common := wrap(router, p.trace.watch(t, stages))
	t.handlers = make([]http.Handler, len(t.listen))
	for i := range t.listen {
		t.handlers[i] = common
		if own := t.ofAddress(i, stages, pages, p.log); own != nil {
			t.handlers[i] = wrap(router, p.trace.watch(t, own))
		}
	}
	return nil
}

// ofAddress are all stages of the requests of one address, if it has some beside those of all; nil: it has not. Its own ones
// are behind forwarded too, and before all that an app answers.
func (t *site) ofAddress(i int, all []Stage, pages *httpx.Pages, log hclog.Logger) (own []Stage) {
	at := &t.listen[i]
	put := func(before string, s Stage) {
		if own == nil {
			own = slices.Clone(all)
		}
		own = slices.Insert(own, slices.IndexFunc(own, func(s Stage) bool { return s.Name == before }), s)
	}
	if at.Redirect {
		put("hsts", Stage{"redirect", chain.RedirectHTTPS(portOfHTTPS(t.listen), pages)})
	}
	if serves := servedAt(at, t.listen); serves != nil { // behind limits, which looks at the host
		put("denied", Stage{"hosts", chain.Hosts(chain.HostsOptions{Serves: serves, Address: at.String(), Pages: pages, Log: log})})
	}
	change := func(name string, wrap func(http.Handler) http.Handler) {
		if own == nil {
			own = slices.Clone(all)
		}
		own[slices.IndexFunc(own, func(s Stage) bool { return s.Name == name })].Wrap = wrap
	}
	if _, ok := t.access.own[i]; ok {
		change("access", t.access.stage(i))
	}
	if slices.ContainsFunc(t.cfg.Routes, func(r config.Route) bool { return len(r.Match.Listen) > 0 }) {
		change("routes", routesAt(t.routed, at.Bare()))
	}
	return own
}

// servedAt tells which requests are for a host that is served at the address; nil: all are.
func servedAt(at *config.Listen, all []config.Listen) func(*http.Request) bool {
	names, own := at.Hosts, len(at.Hosts) > 0
	if !own {
		for _, other := range all {
			names = append(names, other.Hosts...)
		}
	}
	if len(names) == 0 {
		return nil
	}
	patterns := make([]route.Pattern, len(names))
	for i, name := range names {
		patterns[i], _ = route.NewPattern("", name) // the configuration was checked
	}
	return func(r *http.Request) bool {
		return own == slices.ContainsFunc(patterns, func(p route.Pattern) bool { return p.Match(r) })
	}
}

// wrap puts the stages around h, the first one outermost.
func wrap(h http.Handler, stages []Stage) http.Handler {
	for _, stage := range slices.Backward(stages) {
		if stage.Wrap != nil {
			h = stage.Wrap(h)
		}
	}
	return h
}

// on is the stage, or nil.
func on(yes bool, stage func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	if !yes {
		return nil
	}
	return stage
}

// site is what a reload replaces as a whole: it does not change once requests see it.
// Requests that were under way keep the site that they began with.
type site struct {
	cfg     *config.Config
	runs    []run        // in the config's order
	refused http.Handler // answers requests that no handler gets

	listen   []config.Listen // of the start, with the settings of cfg that a reload changes
	handlers []http.Handler  // by index of listen

	limits  map[string]*counted  // what each [[limit]] has counted, by name
	groups  []*upstream.Group    // of the routes
	finders []*finder            // of those routes whose upstreams come and go
	hosts   []*staticfiles.Hosts // of [[static]]
	roots   []*staticfiles.Hosts // of routes
	access  *accessRules         // access control
	routed  *route.Routes        // [[route]]; nil: there are none

	exporter *exporting // of traces; nil: they are off

	rootNames []string // tell folders of routes apart
}

// run is one app of a site.
type run struct {
	app   *config.App
	pool  *supervisor.Pool
	files *staticfiles.App
}

// run returns that of an app; nil: there is none.
func (t *site) run(app string) *run {
	if t != nil {
		for i := range t.runs {
			if t.runs[i].app.Name == app {
				return &t.runs[i]
			}
		}
	}
	return nil
}

func (t *site) names() []string {
	names := make([]string, len(t.runs))
	for i, r := range t.runs {
		names[i] = r.app.Name
	}
	return names
}
