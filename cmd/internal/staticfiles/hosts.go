package staticfiles

import (
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/route"
	"github.com/standpipe/standpipe/bridge/static"
	"github.com/standpipe/standpipe/cmd/internal/config"
)

// Hosts are the folders of [[static]] for one set of hosts, or the one of a route.
type Hosts struct {
	hosts  []route.Pattern // none: every host
	places *static.Mounts
	next   []static.Mount // to be put in force by Open
}

// Stage serves the folders of [[static]] in front of all apps: those for some hosts first.
// Open opens them. nil: there are none.
func (s *Set) Stage(cfg *config.Config, all []*Hosts, pages *httpx.Pages) func(http.Handler) http.Handler {
	if len(all) == 0 {
		return nil
	}
	return func(next http.Handler) http.Handler {
		for _, h := range slices.Backward(all) {
			next = h.choose(static.New(s.options(cfg, "", h.places, next, pages)), next)
		}
		return next
	}
}

// Group puts together the folders of [[static]] with the same hosts: those for some hosts,
// then those for every host, in the file's order.
func (s *Set) Group(cfg *config.Config) (all []*Hosts, err error) {
	byHosts, endings := map[string]*Hosts{}, config.ScriptEndings(cfg.Routes)
	for i := range cfg.Static {
		t := &cfg.Static[i]
		key := strings.Join(t.Hosts, ",")
		h := byHosts[key]
		if h == nil {
			h = &Hosts{places: s.placesOf(key)}
			for _, host := range t.Hosts {
				p, err := route.NewPattern("", host)
				if err != nil {
					return nil, err
				}
				h.hosts = append(h.hosts, p)
			}
			byHosts[key] = h
			all = append(all, h)
		}
		p := placeOf(t, "")
		p.Compress, p.Scripts = true, endings
		h.next = append(h.next, p)
	}
	slices.SortStableFunc(all, func(a, b *Hosts) int { return min(len(b.hosts), 1) - min(len(a.hosts), 1) })
	return all, nil
}

// Root is the folder of a route whose scripts another server runs, and the handler of its other
// files; nil: the folder is not on this machine. Open opens it.
func (s *Set) Root(cfg *config.Config, r *config.Route, pages *httpx.Pages) (*Hosts, http.Handler) {
	c := &r.Scripts
	if c.Root == "" {
		return nil, nil
	}
	m := static.Mount{URL: r.Stripped(), Dirs: []string{c.Root}, Else: static.NotFound, Site: true, Siblings: true, Compress: true, Scripts: c.Split}
	for _, name := range c.Index {
		if !c.IsScript(name) {
			m.Index = append(m.Index, name)
		}
	}
	h := &Hosts{places: s.placesOf(strings.Join(append([]string{r.Path, c.Root}, r.Hosts...), " ")), next: []static.Mount{m}}
	return h, static.New(s.options(cfg, "", h.places, nil, pages))
}

// Look finds the file or folder that a path names.
func (h *Hosts) Look(path string) (info fs.FileInfo, dir string, ok bool) { return h.places.Look(path) }

// Route makes the folder of a route. what tells it from those of other routes, over reloads. At url "" the whole path names a file.
func (s *Set) Route(cfg *config.Config, what, url string, f *config.RouteFiles) *Hosts {
	h := &Hosts{places: s.placesOf("route " + what)}
	p := placeOf(&config.Static{URL: url, Dir: f.Dir, FileRules: f.FileRules}, "")
	p.Compress, p.Scripts = true, config.ScriptEndings(cfg.Routes)
	h.next = []static.Mount{p}
	return h
}

// Serve makes the handler of a route's folder. next gets what the folder leaves to others; shown is the URL that a client sees
// where the path was rewritten; nil: it was not.
func (s *Set) Serve(cfg *config.Config, h *Hosts, next http.Handler, shown func(*http.Request) *url.URL, pages *httpx.Pages) http.Handler {
	o := s.options(cfg, "", h.places, next, pages)
	o.Shown = shown
	return static.New(o)
}

// Verdict is what one folder says of a request.
type Verdict struct {
	URL, Dir string
	Fails    string // empty: it is asked for a file
}

// Explain says of each folder of h whether it is asked for a request's file.
func (h *Hosts) Explain(r *http.Request) (list []Verdict) {
	mine := len(h.hosts) == 0 || slices.ContainsFunc(h.hosts, func(p route.Pattern) bool { return p.Match(r) })
	asked := h.places.Asked(r.URL.Path)
	for _, m := range h.next {
		v := Verdict{URL: m.URL + "/", Dir: strings.Join(m.Dirs, " ")}
		switch {
		case !mine:
			v.Fails = "hosts"
		case !slices.ContainsFunc(asked, func(o static.Mount) bool { return o.URL == m.URL }):
			v.Fails = "url " + v.URL
		}
		list = append(list, v)
	}
	return list
}

// choose asks files for the hosts, and rest for all others.
func (h *Hosts) choose(files, rest http.Handler) http.Handler {
	if len(h.hosts) == 0 {
		return files
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, p := range h.hosts {
			if p.Match(r) {
				files.ServeHTTP(w, r)
				return
			}
		}
		rest.ServeHTTP(w, r)
	})
}

// placesOf keeps the open folders of one set of hosts over reloads.
func (s *Set) placesOf(hosts string) *static.Mounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.hosts[hosts]
	if p == nil {
		p = &static.Mounts{Cache: s.cache, Log: s.log}
		s.hosts[hosts] = p
	}
	return p
}

// Open opens the folders of [[static]] and of routes, again at each reload, and closes those
// that are not configured any more.
func (s *Set) Open(cfg *config.Config, current []*Hosts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for hosts, places := range s.hosts {
		i := slices.IndexFunc(current, func(h *Hosts) bool { return h.places == places })
		if i < 0 {
			places.Close()
			delete(s.hosts, hosts)
			continue
		}
		places.Swap(current[i].next, cfg.Files.Overlap)
	}
}
