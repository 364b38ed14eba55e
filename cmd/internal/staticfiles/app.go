package compose

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/standpipe/standpipe/bridge/compress"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/route"
	"github.com/standpipe/standpipe/bridge/static"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor"
)

// appFiles are the files of one app, over its generations: what the configuration
// names, and what the generation that serves has declared.
type appFiles struct {
	name   string
	server *Server
	places *static.Places

	mu       sync.Mutex
	app      *config.App // of the generation that is to be ready next
	cfg      *config.Config
	gen      int // that has been ready; 0: none
	declared []wire.Declared
	list     []Files
}

func (s *Server) newAppFiles(cfg *config.Config, a *config.App) *appFiles {
	return &appFiles{name: a.Name, server: s, app: a, cfg: cfg, places: &static.Places{Cache: s.fileCache, Log: s.log}}
}

// expect says with what settings the next generation comes.
func (f *appFiles) expect(cfg *config.Config, a *config.App) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cfg, f.app = cfg, a
}

// begin serves what the configuration names, before any worker is ready.
func (f *appFiles) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.swap()
}

// ready: a worker of a generation serves. The first one of each puts in force what it
// has declared; all folders are looked up anew.
func (f *appFiles) ready(gen int, r *wire.Ready) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if gen <= f.gen {
		return
	}
	first := f.gen == 0
	f.gen, f.declared = gen, r.Static
	before := f.list
	f.swap()
	for _, d := range f.declared {
		if d.Trouble != "" && f.app.Files.Mode != config.StaticOff {
			f.server.log.Warn("static_trouble", "app", f.name, "url", d.URL, "dir", d.Dir, "declared_by", d.Kind, "reason", d.Trouble, "traceback", d.Traceback)
		}
	}
	if first && f.server.log.Text || slices.Equal(before, f.list) && !first || len(f.list) == 0 { // people read the banner
		return
	}
	f.server.log.Info("static", "app", f.name, "served", describe(f.list, false), "refused", describe(f.list, true))
}

// describe is one line of what is served, or of what is refused.
func describe(list []Files, refused bool) string {
	of := slices.DeleteFunc(slices.Clone(list), func(x Files) bool { return x.Trouble != "" || (x.Refused != "") != refused })
	parts, rest := Lines(of)
	if rest > 0 {
		parts = append(parts, fmt.Sprintf("%d more (standpipe status --static)", rest))
	}
	return strings.Join(parts, ", ")
}

// swap puts the places in force. mu is held.
func (f *appFiles) swap() {
	a := f.app
	mount := strings.TrimSuffix(a.Mount, "/")
	f.list = nil
	var places []static.Place
	for i := range a.Files.Static {
		p := configured(&a.Files.Static[i], mount)
		p.Compress = a.Files.CompressStatic
		places = append(places, p)
		f.list = append(f.list, Files{App: f.name, URL: shown(p.URL), Dir: p.Dirs[0], How: "configured", Trouble: static.Unusable(p.Dirs[0], p.Owner)})
	}
	own := len(places)
	for _, d := range f.declared {
		refused := d.Refused
		if a.Files.Mode == config.StaticForce {
			refused = ""
		}
		x := Files{App: f.name, URL: d.URL, Dir: d.Dir, How: "declared by " + d.Kind, Trouble: d.Trouble}
		switch url := strings.TrimSuffix(d.URL, "/"); {
		case a.Files.Mode == config.StaticOff:
		case d.Trouble != "":
			if !slices.ContainsFunc(places[:own], func(p static.Place) bool { return p.URL == url }) {
				f.list = append(f.list, x)
			}
		case slices.ContainsFunc(places[:own], func(p static.Place) bool { return p.URL == url }):
		case url == "" && refused == "", !strings.HasPrefix(d.URL, mount+"/") || url == mount && refused == "":
			x.Refused = fmt.Sprintf("it lies outside of the app's mount %s, or is all of it; --static names it", a.Mount)
			f.list = append(f.list, x)
		case !filepath.IsAbs(d.Dir), slices.Contains(strings.Split(d.URL, "/"), ".."):
		case refused != "":
			x.Refused, x.Insist = refused, true
			f.list = append(f.list, x)
		default:
			p := declaredPlace(a, url, &d)
			if x.Trouble = static.Unusable(d.Dir, static.Owner{}); x.Trouble == "" {
				x.Refused = f.foreign(d.Dir)
			}
			f.list = append(f.list, x)
			if x.Refused != "" {
				continue
			}
			if i := slices.IndexFunc(places, func(o static.Place) bool { return o.URL == url && o.Like(&p) }); i >= 0 {
				places[i].Dirs = append(places[i].Dirs, d.Dir)
				continue
			}
			places = append(places, p)
		}
	}
	f.places.Swap(places, f.cfg.Files.Overlap)
}

// declaredPlace is the place of a folder that an app declares. What an app says comes
// from a worker: a field that is none is left out.
func declaredPlace(a *config.App, url string, d *wire.Declared) static.Place {
	p := static.Place{
		URL: url, Dirs: []string{d.Dir}, Siblings: true, Compress: a.Files.CompressStatic, FollowLinks: a.Files.FollowSymlinks, HTTPS: d.HTTPS,
	}
	if static.IsValue(d.Cache) {
		p.Cache = d.Cache
	}
	if static.IsToken(d.Charset) {
		p.Charset = d.Charset
	}
	for c := range slices.Chunk(d.Fields, 2) {
		if static.MayAdd(c[0]) && static.IsValue(c[1]) {
			p.Fields = append(p.Fields, c...)
		}
	}
	for c := range slices.Chunk(d.Types, 2) {
		if static.IsValue(c[1]) && strings.Contains(c[1], "/") {
			if p.Types == nil {
				p.Types = map[string]string{}
			}
			p.Types[strings.ToLower(c[0])] = c[1]
		}
	}
	if a.Confine.Identity != nil {
		p.Owner, p.FollowLinks = static.Owner{Set: true, UID: a.Confine.Identity.UID}, false
	}
	return p
}

// foreign says why a folder that the app declares is none of its own. An app that runs
// as a user of its own could otherwise have the server read for it.
func (f *appFiles) foreign(dir string) string {
	id := f.app.Confine.Identity
	if id == nil {
		return ""
	}
	if st, err := os.Stat(dir); err != nil || !static.OwnedBy(st, id.UID) {
		return fmt.Sprintf("it does not belong to the app's user %s; --static names it", f.app.Confine.User)
	}
	return ""
}

// files lists what is served and what is not.
func (f *appFiles) files() []Files {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.list)
}

func shown(url string) string { return url + "/" }

// configured is the place that a table names; mount is in front of its URL.
func configured(s *config.Static, mount string) static.Place {
	url := strings.TrimSuffix(s.URL, "/")
	p := static.Place{
		URL: mount + url, Dirs: []string{s.Dir}, Index: s.Index, Site: url == "",
		FollowLinks: s.FollowSymlinks != nil && *s.FollowSymlinks, Siblings: s.Precompressed,
	}
	p.Fields, p.Types = s.Headers, s.Types
	switch s.Charset {
	case "", "auto":
	case "none":
		p.Charset = static.NoCharset
	default:
		p.Charset = s.Charset
	}
	if s.Missing == "404" {
		p.Else = static.NotFound
	}
	for _, r := range s.CacheControl {
		p.Rules = append(p.Rules, static.Rule{Pattern: r.Pattern, Value: r.Value, Expires: r.MaxAge})
	}
	return p
}

// idleFiles is how many descriptors of files may wait to be used again: a few beside
// those of the clients.
func idleFiles(cfg *config.Config) int { return min(max(cfg.Limits.MaxConns/16, 64), 4096) }

// Static lists the files of an app that are served without it, and those that it
// declares and that are not; empty: those of [[static]].
func (s *Server) Static(app string) []Files {
	t := s.site.Load()
	if r := t.run(app); r != nil {
		return r.files.files()
	}
	if app != "" {
		return nil
	}
	var list []Files
	for i := range t.cfg.Static {
		f := &t.cfg.Static[i]
		url := strings.TrimSuffix(strings.Join(append(slices.Clone(f.Hosts), f.URL), " "), "/") + "/"
		list = append(list, Files{URL: url, Dir: f.Dir, How: "configured", Trouble: static.Unusable(f.Dir, static.Owner{})})
	}
	return list
}

func (s *Server) addFiles(f *appFiles) {
	s.mu.Lock()
	s.files[f.name] = f
	s.mu.Unlock()
	f.begin()
}

func (s *Server) removeFiles(f *appFiles) {
	s.mu.Lock()
	delete(s.files, f.name)
	s.mu.Unlock()
	f.places.Close()
}

// filesHear hears of workers before anybody else.
func (s *Server) filesHear(e supervisor.Event) {
	ready, ok := e.(supervisor.WorkerReady)
	if !ok {
		return
	}
	s.mu.Lock()
	f := s.files[ready.App]
	s.mu.Unlock()
	if f != nil {
		f.ready(ready.Generation, ready.Ready)
	}
}

// withFiles puts an app's files in front of it, and compression around it.
func (s *Server) withFiles(cfg *config.Config, r run, app http.Handler, pages *httpx.Pages) http.Handler {
	if r.app.Files.CompressApp && len(cfg.Files.CompressCodings) > 0 {
		app = compress.New(compress.Options{Next: app, Codings: cfg.Files.CompressCodings, Types: cfg.Files.MediaTypes(), MinSize: cfg.Files.CompressMin})
	}
	return static.New(s.staticOptions(cfg, r.app.Name, r.files.places, app, pages))
}

func (s *Server) staticOptions(cfg *config.Config, app string, places *static.Places, next http.Handler, pages *httpx.Pages) static.Options {
	return static.Options{
		App: app, Places: places, Next: next, Cache: s.fileCache, Encoder: s.encoder, Codings: cfg.Files.CompressCodings, Types: cfg.Files.MediaTypes(),
		MinSize: cfg.Files.CompressMin, Pages: pages, Log: s.log,
	}
}

// hostFiles are the folders of [[static]] for one set of hosts, over reloads.
type hostFiles struct {
	hosts  []route.Place // none: every host
	places *static.Places
	next   []static.Place
}

// serverFiles puts the folders of [[static]] in front of all apps: those for hosts
// first. They are opened by openServerFiles.
func (s *Server) serverFiles(cfg *config.Config, apps http.Handler, pages *httpx.Pages) (http.Handler, []*hostFiles, error) {
	var all []*hostFiles
	byHosts := map[string]*hostFiles{}
	for i := range cfg.Static {
		t := &cfg.Static[i]
		key := strings.Join(t.Hosts, ",")
		h := byHosts[key]
		if h == nil {
			h = &hostFiles{places: s.hostPlaces(key)}
			for _, host := range t.Hosts {
				p, err := route.NewPlace("", host)
				if err != nil {
					return nil, nil, err
				}
				h.hosts = append(h.hosts, p)
			}
			byHosts[key] = h
			all = append(all, h)
		}
		p := configured(t, "")
		p.Compress = true
		h.next = append(h.next, p)
	}
	// What is asked last is put in first: every host, then hosts, in the file's order.
	slices.SortStableFunc(all, func(a, b *hostFiles) int { return min(len(b.hosts), 1) - min(len(a.hosts), 1) })
	for _, h := range slices.Backward(all) {
		files, rest := static.New(s.staticOptions(cfg, "", h.places, apps, pages)), apps
		if len(h.hosts) == 0 {
			apps = files
			continue
		}
		apps = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, p := range h.hosts {
				if ok, _ := p.Match(r); ok {
					files.ServeHTTP(w, r)
					return
				}
			}
			rest.ServeHTTP(w, r)
		})
	}
	return apps, all, nil
}

// hostPlaces keeps the folders of one set of hosts over reloads.
func (s *Server) hostPlaces(hosts string) *static.Places {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.hostFiles[hosts]
	if p == nil {
		p = &static.Places{Cache: s.fileCache, Log: s.log}
		s.hostFiles[hosts] = p
	}
	return p
}

// openFiles looks the folders of [[static]] up, anew at each reload.
func (t *site) openFiles(s *Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for hosts, places := range s.hostFiles {
		i := slices.IndexFunc(t.hosts, func(h *hostFiles) bool { return h.places == places })
		if i < 0 {
			places.Close()
			delete(s.hostFiles, hosts)
			continue
		}
		places.Swap(t.hosts[i].next, t.cfg.Files.Overlap)
	}
}
