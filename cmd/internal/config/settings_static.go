package config

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Static is one folder of files that are served without the app.
type Static struct {
	URL   string   // "/media"; "/" is everything. Of an app's: beneath its mount
	Dir   string   // absolute
	Link  string   // Dir as configured, where a release has resolved it; else empty
	Hosts []string // of [[static]]; as an app's; none: every host

	// Missing is what a name gets that the folder does not have: "404", or "app" for whoever comes next.
	Missing        string
	Index          []string // files that answer for a folder
	FollowSymlinks *bool    // nil: as the app's
	Precompressed  bool     // NAME.br, NAME.zst, NAME.gz go out for NAME
	CacheControl   []CacheRule
	Headers        []string          // name, value, ... of answers with its files
	Charset        string            // of text files; "auto", "none"
	Types          map[string]string // media types by ".suffix" or name, in lower case

	src Source
}

// CacheRule is a Cache-Control for some files.
type CacheRule struct {
	Pattern string // "*.pdf", "/img/*", "image/*"
	Value   string
	MaxAge  time.Duration // when the value was a duration; 0: it was not
}

// The words of --static.
const (
	StaticAuto  = "auto"  // what the app declares is served where none of its guards is passed by
	StaticForce = "force" // all that it declares
	StaticOff   = "off"   // nothing that it declares
)

func staticSettings() []*Setting {
	return append([]*Setting{
		{Key: "url", Scope: OfStatic, Kind: Text, NoEnv: true, Reload: true,
			Doc: "What the paths begin with, up to a segment's end: `/media/`. In [[app.static]] it follows the app's mount. `/` is the whole site: Python sources in it are not served. The longest one that fits is asked first.",
			set: func(t target, in input) error {
				t.static.URL = in.last()
				return nil
			}, show: func(t target) (string, bool) { return t.static.URL, true }},
		{Key: "dir", Scope: OfStatic, Kind: Text, NoEnv: true, Reload: true,
			Doc: "The folder; in [[app.static]] relative to the app's dir. Links in its own path are resolved at the start and at each reload.",
			set: func(t target, in input) error {
				t.static.Dir = in.last()
				return nil
			}, show: func(t target) (string, bool) { return t.static.Dir, true }},
		{Key: "hosts", Scope: OfStatic, Kind: List, NoEnv: true, Reload: true, Derived: "every host",
			Doc: "In [[static]] alone: the hosts for which it is there, as an app's hosts.",
			set: func(t target, in input) error {
				t.static.Hosts = nil
				for _, h := range in.list() {
					t.static.Hosts = append(t.static.Hosts, strings.TrimSuffix(strings.ToLower(h), "."))
				}
				return nil
			}, show: func(t target) (string, bool) {
				return strings.Join(t.static.Hosts, ","), len(t.static.Hosts) > 0
			}},
		{Key: "missing", Scope: OfStatic, Kind: Choice, Choices: []string{"404", "app"}, NoEnv: true, Reload: true, Derived: "`404`; `app` where url is `/`",
			Doc: "What becomes of a name that the folder does not have: `404` (and 405 for methods other than GET and HEAD), or `app`: file, else app.",
			at:  func(t target) any { return &t.static.Missing }},
		{Key: "index", Scope: OfStatic, Kind: List, NoEnv: true, Reload: true, Derived: "none",
			Doc: "Files that answer for a folder, the first that is there: `[\"index.html\"]`. Folders are never listed.",
			at:  func(t target) any { return &t.static.Index }},
		{Key: "follow_symlinks", Scope: OfStatic, Kind: Switch, NoEnv: true, Reload: true, Derived: "as the app's; off",
			Doc: "Whether links in the folder may be absolute or lead out of it. Relative ones that stay inside are always followed.",
			set: func(t target, in input) error {
				t.static.FollowSymlinks = new(bool)
				return store(t.static.FollowSymlinks, in.last(), parseSwitch)
			}, show: func(t target) (string, bool) {
				if t.static.FollowSymlinks == nil {
					return "", false
				}
				return map[bool]string{true: "on", false: "off"}[*t.static.FollowSymlinks], true
			}},
		{Key: "precompressed", Scope: OfStatic, Kind: Switch, NoEnv: true, Reload: true, Default: "on",
			Doc: "Whether `NAME.br`, `NAME.zst` and `NAME.gz` go out for NAME to clients that take them. `standpipe compress DIR` makes them. One that is older than NAME is passed over.",
			at:  func(t target) any { return &t.static.Precompressed }},
		{Key: "cache_control", Scope: OfStatic, Kind: Pairs, NoEnv: true, Reload: true, Derived: "`no-cache`; a year and `immutable` where the name is proved to be made of the content",
			Doc: "Cache-Control by name (`*.pdf`), path beneath url (`/img/*`) or type (`image/*`): `cache_control = { \"image/*\" = \"1h\", \"*.pdf\" = \"private, no-cache\" }`. The first that fits counts. A duration is `public, max-age` and an Expires field.",
			set: setCacheControl, show: func(t target) (string, bool) {
				var out []string
				for _, r := range t.static.CacheControl {
					out = append(out, r.Pattern+"="+r.Value)
				}
				return strings.Join(out, "; "), len(out) > 0
			}},
	}, extraStaticSettings()...)
}

func setCacheControl(t target, in input) error {
	for _, v := range in.values {
		pattern, value, ok := strings.Cut(v, "=")
		if _, err := path.Match(pattern, ""); !ok || pattern == "" || err != nil {
			return fmt.Errorf("%q is not a pattern and a value", v)
		}
		rule := CacheRule{Pattern: pattern, Value: value}
		if d, err := ParseDuration(value); err == nil {
			rule.MaxAge = d
			rule.Value = "public, max-age=" + strconv.FormatInt(int64(d/time.Second), 10)
		}
		if value == "" || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			return fmt.Errorf("%q: %q is not a value of Cache-Control", pattern, value)
		}
		t.static.CacheControl = append(t.static.CacheControl, rule)
	}
	return nil
}

// appStaticSettings are those of [[app]].
func appStaticSettings() []*Setting {
	return []*Setting{
		{Key: "static", Scope: OfApp, Kind: List, Flags: []string{"static"}, Reload: true, Hint: "/URL=DIR|off|force", Derived: "`auto`: what the app declares",
			Doc: "Folders that are served without the app: `--static /media=./media`, repeatable; [[app.static]] says the same with more keys. Beside them, what a Flask, Django or Pyramid app declares is served by itself where that passes none of the app's guards by; the start says what is and what is not. `off`: nothing of that. `force`: all of it.",
			set: setStatic, show: func(t target) (string, bool) {
				out := []string{cmpOr(t.app.Files.Mode, StaticAuto)}
				for _, s := range t.app.Files.Static {
					out = append(out, s.URL+"="+s.Dir)
				}
				return strings.Join(out, ","), true
			}},
		perApp("follow_symlinks", Switch, []string{"follow-symlinks"}, "off", "", "Whether links in the app's static folders may be absolute or lead out of them. Relative ones that stay inside are always followed.", func(a *App) any { return &a.Files.FollowSymlinks }),
		perApp("static_compress", Switch, []string{"static-compress"}, "on", "", "Whether static files that were not compressed ahead are compressed when they are first asked for. The result is kept in static_cache.", func(a *App) any { return &a.Files.CompressStatic }),
		perApp("compress", Switch, []string{"compress"}, "off", "", "Whether the app's own answers are compressed while they go out. Off, because a page that repeats what its request says beside a secret tells the secret by its length (BREACH).", func(a *App) any { return &a.Files.CompressApp }),
	}
}

// serverStaticSettings are those for all files.
func serverStaticSettings() []*Setting {
	server := func(s Setting) *Setting {
		s.Scope, s.Flags = OfServer, []string{flagName(s.Key)}
		return &s
	}
	return []*Setting{
		server(Setting{Key: "static_overlap", Kind: Duration, Default: "10m", Reload: true,
			Doc: "After a reload, how long a name that a static folder does not have is looked for in the folder that was in its place before: pages of the old release go on finding what they name. 0: not at all.",
			at:  func(t target) any { return &t.cfg.Files.Overlap }}),
		server(Setting{Key: "static_cache", Kind: Size, Default: "64MiB", Derived: "1/16 of the memory limit where that is less",
			Doc: "Memory for the contents of small static files (64KiB each at most), and for what was compressed of files. 0: none is kept, and nothing is compressed when it is asked for.",
			at:  func(t target) any { return &t.cfg.Files.Cache }}),
		server(Setting{Key: "compress_types", Kind: List, Reload: true, Hint: "TYPE,...",
			Default: "default",
			Doc:     "Media types that are compressed: `text/css`, `text/*`, `*/*+json`. `default` stands for what is text, and for JSON, XML, JavaScript, WebAssembly, SVG, icons and fonts that are not compressed by themselves.",
			set: func(t target, in input) error {
				t.cfg.Files.CompressTypes = nil
				for _, v := range in.list() {
					if !strings.Contains(v, "/") && v != "*" && v != defaultTypes {
						return fmt.Errorf("%q is not a media type", v)
					}
					t.cfg.Files.CompressTypes = append(t.cfg.Files.CompressTypes, strings.ToLower(v))
				}
				return nil
			}, show: showText(func(c *Config) string { return strings.Join(c.Files.CompressTypes, ",") })}),
		server(Setting{Key: "compress_min", Kind: Size, Default: "1KiB", Reload: true,
			Doc: "What is smaller is not compressed.",
			at:  func(t target) any { return &t.cfg.Files.CompressMin }}),
		server(Setting{Key: "compress_codings", Kind: List, Default: "br,zstd,gzip", Reload: true, Hint: "br,zstd,gzip",
			Doc: "The content codings that are offered, in order of preference.",
			set: func(t target, in input) error {
				list := in.list()
				for _, v := range list {
					if !slices.Contains([]string{"br", "zstd", "gzip"}, v) {
						return fmt.Errorf("%q is not one of br, zstd, gzip", v)
					}
				}
				t.cfg.Files.CompressCodings = list
				return nil
			}, show: showText(func(c *Config) string { return strings.Join(c.Files.CompressCodings, ",") })}),
	}
}

// defaultTypes stands for a list of media types.
const defaultTypes = "default"

// MediaTypes are those of compress_types.
func (f *Files) MediaTypes() []string {
	var out []string
	for _, t := range f.CompressTypes {
		if t != defaultTypes {
			out = append(out, t)
			continue
		}
		out = append(out, "text/*", "*/*+json", "*/*+xml", "application/javascript", "application/json", "application/json5", "application/wasm",
			"application/xml", "application/xml-dtd", "application/yaml", "application/toml", "application/sql", "application/graphql", "application/rtf",
			"application/postscript", "application/vnd.ms-fontobject", "application/x-ndjson", "application/x-sh", "font/ttf", "font/otf",
			"image/bmp", "image/x-icon", "image/vnd.microsoft.icon", "model/obj", "model/mtl", "model/stl")
	}
	return out
}

// setStatic adds to what is there; a URL that is given again is changed.
func setStatic(t target, in input) error {
	if in.tables != nil {
		t.app.Files.tables = append(t.app.Files.tables, in.tables...)
		return nil
	}
	for _, v := range in.list() {
		switch v {
		case StaticAuto, StaticForce, StaticOff:
			t.app.Files.Mode = v
			continue
		}
		url, dir, ok := strings.Cut(v, "=")
		if !ok || dir == "" || !strings.HasPrefix(url, "/") {
			return fmt.Errorf("%q is not /URL=DIR, off, force or auto; write /media=./media", v)
		}
		s := Static{URL: url, Dir: dir, Precompressed: true, src: in.src}
		if i := slices.IndexFunc(t.app.Files.Static, func(o Static) bool { return sameURL(o.URL, url) }); i >= 0 {
			t.app.Files.Static[i] = s
		} else {
			t.app.Files.Static = append(t.app.Files.Static, s)
		}
	}
	return nil
}

func sameURL(a, b string) bool { return strings.TrimRight(a, "/") == strings.TrimRight(b, "/") }

func staticPath(owner string, i int, key string) string {
	return join(owner, fmt.Sprintf("static.%d.%s", i, key))
}

// statics reads [[static]].
func (l *loader) statics() {
	for i, g := range l.file.statics {
		if s, ok := l.staticTable(g, "", i); ok {
			if !filepath.IsAbs(s.Dir) {
				s.Dir = filepath.Join(filepath.Dir(l.cfg.File), s.Dir)
			}
			l.cfg.Static = append(l.cfg.Static, s)
		}
	}
	for i := range l.cfg.Static {
		l.checkStatic(&l.cfg.Static[i], "[[static]]", l.cfg.Static[:i], true)
	}
}

// appStatics reads an app's tables, and completes what its flags say.
func (l *loader) appStatics(a *App, there bool) {
	for i, g := range a.Files.tables {
		s, ok := l.staticTable(g, "app."+a.Name, i)
		if !ok {
			continue
		}
		if len(s.Hosts) > 0 {
			l.bad.add(g.src, "app %q: hosts stands in [[static]] alone; the app's own hosts count here", a.Name)
		}
		// What the command line says of the same URL wins.
		if !slices.ContainsFunc(a.Files.Static, func(o Static) bool { return sameURL(o.URL, s.URL) }) {
			a.Files.Static = append(a.Files.Static, s)
		}
	}
	for i := range a.Files.Static {
		s := &a.Files.Static[i]
		if !filepath.IsAbs(s.Dir) {
			s.Dir = filepath.Join(a.Dir, s.Dir)
		}
		if s.FollowSymlinks == nil {
			s.FollowSymlinks = &a.Files.FollowSymlinks
		}
		l.checkStatic(s, fmt.Sprintf("app %q: static", a.Name), a.Files.Static[:i], there)
	}
}

func (l *loader) staticTable(g group, owner string, i int) (s Static, ok bool) {
	s.src = g.src
	at := func(s *Setting) string { return staticPath(owner, i, s.Key) }
	l.apply(target{static: &s}, defaults(OfStatic), at)
	l.apply(target{static: &s}, g.givens, at)
	ok = true
	for _, key := range []string{"url", "dir"} {
		if p := staticPath(owner, i, key); !l.sources.Of(p).Given() {
			ok = false
			if !l.unsure(p) {
				l.bad.add(g.src, "the table static has no %s; write url = \"/media/\" and dir = \"media\"", key)
			}
		}
	}
	return s, ok
}

// checkStatic completes s and says what is wrong with it. there: its folder has to exist.
func (l *loader) checkStatic(s *Static, what string, before []Static, there bool) {
	if s.Missing == "" {
		s.Missing = "404"
		if s.URL == "/" {
			s.Missing = "app"
		}
	}
	switch clean := path.Clean(s.URL); {
	case !strings.HasPrefix(s.URL, "/"), s.URL != clean && s.URL != clean+"/", strings.ContainsAny(s.URL, "?#"):
		l.bad.add(s.src, "%s: url %q is not a path; it starts with a slash and has no dot segments: \"/media/\"", what, s.URL)
	case slices.ContainsFunc(before, func(o Static) bool { return sameURL(o.URL, s.URL) && slices.Equal(o.Hosts, s.Hosts) }):
		l.bad.add(s.src, "%s: url %q stands there twice", what, s.URL)
	}
	for _, h := range s.Hosts {
		if why := badHost(h); why != "" {
			l.bad.add(s.src, "%s: host %q %s", what, h, why)
		}
	}
	for _, name := range s.Index {
		if name == "" || strings.ContainsAny(name, `/\`) {
			l.bad.add(s.src, "%s: index %q is not a file's name", what, name)
		}
	}
	if err := checkFolder(s.Dir); err != nil && there {
		l.bad.add(s.src, "%s: %v", what, err)
	}
}
