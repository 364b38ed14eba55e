package compose

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/access"
	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/route"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/cmd/internal/staticfiles"
	"github.com/standpipe/standpipe/supervisor"
)

// Question is a request that is explained.
type Question struct {
	Method string
	URL    *url.URL // absolute
	Header http.Header
	Client netip.Addr
}

// Explanation says who answers a request.
type Explanation struct {
	Address string `json:"address"` // where it would arrive
	Steps   []Step `json:"steps"`   // in the order in which they are asked
	// Answer is who answers: "redirect", "health check", "static file", "route", "app", or the stage that refuses.
	Answer string `json:"answer"`
	Name   string `json:"name,omitempty"`  // of the app; the place of the route in the file
	Says   string `json:"says,omitempty"`  // what it does, where no status says that
	Path   string `json:"path,omitempty"`  // that an app or an upstream gets
	Script string `json:"mount,omitempty"` // the app's SCRIPT_NAME
	Status int    `json:"status,omitempty"`
	To     string `json:"location,omitempty"`
}

// Step is one rule that is asked.
type Step struct {
	What  string `json:"what"`            // "static", "route", "app", or the name of a stage
	Name  string `json:"name,omitempty"`  // the app's name; the place in the file
	Wants string `json:"wants,omitempty"` // its conditions
	Fails string `json:"fails,omitempty"` // the first one that does not hold; empty: it takes the request
}

// trace notes what is asked on the way of a request that is explained. The nil *trace notes nothing.
type trace struct {
	e      Explanation
	places map[string]string // of folders in the file
	last   string            // the stage that was entered last
}

// Explain sends a request on the way of the server's own stages and matchers, with a trace in place of the apps' workers and the
// upstreams: nothing is bound, nothing is started, no other server is asked. Limits are left out, because they count.
func Explain(cfg *config.Config, version string, q Question) (*Explanation, error) {
	alone := *cfg
	alone.RateLimits = nil
	cfg = alone.Released()
	log := &logfile.Log{Logger: hclog.NewNullLogger()}
	stop, tr := newStop(), &trace{places: map[string]string{}}
	p := &parts{version: version, log: log, static: staticfiles.New(cfg, log, false), refusals: newRefusals(log, func(string) {}), scanners: newScanners(), stop: stop, trace: tr,
		clients: newAccess(cfg, log, func(string) []byte { return nil })}
	p.health = newHealth(log, func() []*supervisor.Pool { return nil }, stop)
	t := &site{cfg: cfg, listen: slices.Clone(cfg.Listen)}
	for i := range cfg.Apps {
		t.runs = append(t.runs, run{app: &cfg.Apps[i], files: p.static.NewApp(cfg, &cfg.Apps[i])})
	}
	if err := t.assemble(p); err != nil {
		return nil, err
	}
	p.static.Open(cfg, t.folders())
	for _, r := range t.runs {
		p.static.Add(r.files)
	}
	for i := range cfg.Static {
		tr.places[strings.TrimSuffix(cfg.Static[i].URL, "/")+"/ "+cfg.Static[i].Dir] = cfg.Static[i].Where()
	}
	at := addressFor(cfg.Listen, q.URL)
	tr.e.Address = cfg.Listen[at].String()
	tr.ask(t.handlers[at], q)
	return &tr.e, nil
}

// addressFor is the address that a client of the URL would connect to: the same port, else the same protocol, else the first one,
// to which a server in front passes the request.
func addressFor(list []config.Listen, u *url.URL) int {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if i := slices.IndexFunc(list, func(l config.Listen) bool { return l.Network == "tcp" && strings.HasSuffix(l.Address, ":"+port) }); i >= 0 {
		return i
	}
	return max(slices.IndexFunc(list, func(l config.Listen) bool { return l.Protocol == u.Scheme }), 0)
}

// ask sends the request.
func (t *trace) ask(h http.Handler, q Question) {
	target := q.URL.RequestURI()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		u = &url.URL{Path: q.URL.Path}
	}
	r := &http.Request{Method: q.Method, URL: u, RequestURI: target, Host: q.URL.Host, Header: q.Header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	ends := httpx.EndsOf(netip.AddrPortFrom(q.Client, 40000).String(), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80})
	ends.TLS = q.URL.Scheme == "https"
	w, rec := &discarded{h: http.Header{}}, new(httpx.Writer)
	rec.Reset(w)
	rec.Info.Met(time.Now(), &ends)
	h.ServeHTTP(rec, r)
	t.end(rec, w)
}

// end works out who has answered.
func (t *trace) end(rec *httpx.Writer, w *discarded) {
	e := &t.e
	if e.Answer == "app" || e.Says != "" { // no status: it was not asked
		return
	}
	e.Status, e.To = max(rec.Status(), rec.Info.Status), w.h.Get("Location")
	switch {
	case t.last == "routes":
		e.Answer = "route"
	case t.last == "static" || rec.Info.Source == "static":
		e.Answer = "static file"
	case t.last == "health":
		e.Answer = "health check"
	case t.last == "":
		e.Answer, e.Name = "no app", ""
	default:
		e.Answer = t.last
	}
}

// watch has the trace know which stage a request has entered last: the one that answers. The nil *trace returns the stages unchanged.
func (t *trace) watch(s *site, stages []Stage) []Stage {
	if t == nil {
		return stages
	}
	out := slices.Clone(stages)
	for i, stage := range out {
		if stage.Wrap == nil {
			continue
		}
		out[i].Wrap = func(next http.Handler) http.Handler {
			inner := stage.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				t.last = ""
				if slices.Contains(mayAnswer, stage.Name) {
					t.e.Steps = append(t.e.Steps, Step{What: stage.Name, Fails: passes})
				}
				next.ServeHTTP(w, r)
			}))
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				t.last = stage.Name
				if stage.Name == "static" {
					t.folders(s.hosts, r)
				}
				inner.ServeHTTP(w, r)
			})
		}
	}
	return out
}

// mayAnswer are the stages that answer some requests themselves, besides folders and routes.
var mayAnswer = []string{"health", "redirect", "limits", "hosts", "denied", "access", "scanners"}

// passes is what such a stage says of a request that it leaves to the next ones.
const passes = "passes"

// folders notes what the folders of [[static]] say.
func (t *trace) folders(list []*staticfiles.Hosts, r *http.Request) {
	for _, h := range list {
		for _, v := range h.Explain(r) {
			t.e.Steps = append(t.e.Steps, Step{"static", t.places[v.URL+" "+v.Dir], v.URL + " -> " + v.Dir, v.Fails})
		}
	}
}

func (t *trace) route(v route.Verdict) {
	t.e.Steps = append(t.e.Steps, Step{"route", v.Name, v.Wants, v.Fails})
	if v.Fails == "" {
		t.last, t.e.Name = "routes", v.Name
	}
}

func (t *trace) pattern(v route.Verdict) {
	t.e.Name = ""
	t.e.Steps = append(t.e.Steps, Step{"app", v.Name, v.Wants, v.Fails})
}

// access has a table that is for the request noted, with what it asks for. Of that the lists alone are looked at.
func (t *trace) access(table *access.Table, c *config.Access) {
	if t == nil {
		return
	}
	var wants []string
	if table.Addresses != nil {
		wants = append(wants, "an address of its lists")
	}
	if table.Basic != nil {
		wants = append(wants, "a password of "+c.Users)
	}
	if table.Forward != nil {
		wants = append(wants, "the consent of "+c.Forward)
	}
	word := " and "
	if table.Any {
		word = " or "
		if table.Basic != nil || table.Forward != nil {
			table.Addresses = nil // the client may have the other
		}
	}
	table.Basic, table.Forward = nil, nil
	match := table.Match
	table.Match = func(r *http.Request) bool {
		yes := match == nil || match(r)
		if yes {
			t.e.Steps = append(t.e.Steps, Step{What: "access", Name: c.Place(), Wants: "wants " + strings.Join(wants, word)})
		}
		return yes
	}
}

// cache takes the place of a stage of the HTTP cache, of which nothing is asked: what it would look for is noted.
func (t *trace) cache(o cache.StageOptions) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			e := cache.Explain(o, w, r)
			t.e.Steps = append(t.e.Steps, Step{What: "cache", Name: o.App, Wants: e.String(), Fails: e.Passes})
			next.ServeHTTP(w, r)
		})
	}
}

// app takes the place of an app's workers; nil: there is no trace.
func (t *trace) app(a *config.App) http.Handler {
	if t == nil {
		return nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mount := strings.TrimSuffix(a.Mount, "/")
		t.e.Answer, t.e.Name = "app", a.Name
		t.e.Script, t.e.Path = httpx.Of(w).Prefix+mount, strings.TrimPrefix(r.URL.Path, mount)
	})
}

// upstreams takes the place of a route's upstreams.
func (t *trace) upstreams(r *config.Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var list []string
		for _, s := range r.Balance.All() {
			list = append(list, s.At.String())
		}
		path := httpx.RawPath(req.URL)
		if r.StripPrefix {
			path = httpx.CutRawPrefix(path, len(strings.TrimSuffix(r.Path, "/")))
		}
		if path == "" {
			path = "/"
		}
		if req.URL.RawQuery != "" {
			path += "?" + req.URL.RawQuery
		}
		t.e.Answer, t.e.Says, t.e.Path = "route", "asks "+strings.Join(list, ", "), path
	})
}

// discarded is a ResponseWriter that keeps the fields.
type discarded struct{ h http.Header }

func (w *discarded) Header() http.Header         { return w.h }
func (w *discarded) Write(p []byte) (int, error) { return len(p), nil }
func (w *discarded) WriteHeader(int)             {}

// String is the explanation for people.
func (e *Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  at       %s\n", e.Address)
	for _, s := range e.Steps {
		if s.Fails == passes {
			fmt.Fprintf(&b, "  %-8s passes\n", s.What)
			continue
		}
		if s.What == "cache" {
			fmt.Fprintf(&b, "  cache    %s\n", s.Wants)
			continue
		}
		name := s.Name
		if s.What == "app" && name != "" {
			name = fmt.Sprintf("%q", name)
		}
		fmt.Fprintf(&b, "  %-8s %s", s.What, strings.TrimSpace(name+"  "+s.Wants))
		if s.Fails != "" {
			fmt.Fprintf(&b, ": no, %s does not match\n", s.Fails)
		} else {
			b.WriteString(": yes\n")
		}
	}
	fmt.Fprintf(&b, "%s", e.Answer)
	if e.Name != "" {
		fmt.Fprintf(&b, " %s", e.Name)
	}
	if e.Says != "" {
		fmt.Fprintf(&b, " %s", e.Says)
	}
	if e.Path != "" || e.Script != "" {
		fmt.Fprintf(&b, ", path %s", e.Path)
	}
	if e.Script != "" {
		fmt.Fprintf(&b, " below %s", e.Script)
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, " answers %d", e.Status)
	}
	if e.To != "" {
		fmt.Fprintf(&b, " to %s", e.To)
	}
	return b.String() + "\n"
}
