package staticfiles

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/static"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/shim/wire"
)

// layout collects the places of one app. Configured folders come first, and a declared one
// with the same URL gives way to them.
type layout struct {
	name    string
	app     *config.App
	foreign func(dir string) string // why a folder is refused; empty: it is not

	named   int // how many of the places are configured
	places  []static.Mount
	folders []Folder
}

// configured adds the folders that the configuration names.
func (l *layout) configured() {
	for i := range l.app.Files.Static {
		p := placeOf(&l.app.Files.Static[i], l.mount())
		p.Compress = l.app.Files.CompressStatic
		l.places = append(l.places, p)
		l.folders = append(l.folders, Folder{App: l.name, URL: p.URL + "/", Dir: p.Dirs[0], How: "configured", Trouble: static.Unusable(p.Dirs[0], p.Owner)})
	}
	l.named = len(l.places)
}

func (l *layout) mount() string { return strings.TrimSuffix(l.app.Mount, "/") }

// declared adds a folder that the app declares, or says why it is not served.
func (l *layout) declared(d *wire.Declared) {
	refused := d.Refused
	if l.app.Files.Mode == config.StaticForce {
		refused = ""
	}
	x := Folder{App: l.name, URL: d.URL, Dir: d.Dir, How: "declared by " + d.Kind, Trouble: d.Trouble}
	url := strings.TrimSuffix(d.URL, "/")
	switch {
	case slices.ContainsFunc(l.places[:l.named], func(p static.Mount) bool { return p.URL == url }):
		return
	case d.Trouble != "":
	case url == "" && refused == "", !strings.HasPrefix(d.URL, l.mount()+"/") || url == l.mount() && refused == "":
		x.Refused = fmt.Sprintf("it lies outside of the app's mount %s, or is all of it; --static names it", l.app.Mount)
	case !filepath.IsAbs(d.Dir), slices.Contains(strings.Split(d.URL, "/"), ".."):
		return
	case refused != "":
		x.Refused, x.Insist = refused, true
	default:
		if x.Trouble = static.Unusable(d.Dir, static.Owner{}); x.Trouble == "" {
			x.Refused = l.foreign(d.Dir)
		}
		if x.Refused == "" {
			l.add(declaredPlace(l.app, url, d), d.Dir)
		}
	}
	l.folders = append(l.folders, x)
}

// add adds a place, or its folder to a place of the same URL and settings.
func (l *layout) add(p static.Mount, dir string) {
	if i := slices.IndexFunc(l.places, func(o static.Mount) bool { return o.URL == p.URL && o.Like(&p) }); i >= 0 {
		l.places[i].Dirs = append(l.places[i].Dirs, dir)
		return
	}
	l.places = append(l.places, p)
}

// declaredPlace is the place of a declared folder. What the app says comes from a worker: a
// value that is not legal is left out.
func declaredPlace(a *config.App, url string, d *wire.Declared) static.Mount {
	p := static.Mount{
		URL: url, Dirs: []string{d.Dir}, Siblings: true, Compress: a.Files.CompressStatic, FollowLinks: a.Files.FollowSymlinks, HTTPS: d.HTTPS,
	}
	if static.IsValue(d.Cache) {
		p.Cache = d.Cache
	}
	if httpx.IsToken(d.Charset) {
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

// placeOf is the place of a configured folder; mount is put in front of its URL.
func placeOf(s *config.Static, mount string) static.Mount {
	url := strings.TrimSuffix(s.URL, "/")
	p := static.Mount{
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
	p.Listing = s.Listing
	if s.Missing != "app" {
		p.Else = static.NotFound
		p.Fallback = s.Fallback()
	}
	for _, r := range s.CacheControl {
		p.Rules = append(p.Rules, static.Rule{Pattern: r.Pattern, Value: r.Value, Expires: r.MaxAge})
	}
	return p
}
