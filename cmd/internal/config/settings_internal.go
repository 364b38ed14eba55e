package config

import (
	"fmt"
	"path"
	"strings"
)

// Internal maps what an app's X-Accel-Redirect may name to a folder.
type Internal struct {
	URL  string // "/protected/"; starts with a slash
	Dir  string // absolute
	Link string // Dir as configured, where Released has resolved it; else empty

	Headers []string // name, value, ... of answers with its files
}

func internalSettings() []*Setting {
	return []*Setting{
		{Key: "url", Scope: OfInternal, Kind: Text, NoEnv: true,
			Doc: "What the paths begin with: `/protected/`. The longest one wins.",
			at:  func(t target) any { return &t.internal.URL }},
		{Key: "dir", Scope: OfInternal, Kind: Path, NoEnv: true,
			Doc: "The folder in which the rest of the path is looked for. Links in its own path are resolved at the start and at each reload.",
			at:  func(t target) any { return &t.internal.Dir }},
		headersSetting(OfInternal, "Fields that answers with these files have, in place of the app's own: `headers = { Cross-Origin-Resource-Policy = \"same-site\" }`.", func(t target) *[]string { return &t.internal.Headers }),
	}
}

func internalPath(i int, key string) string { return fmt.Sprintf("internal.%d.%s", i, key) }

// internal reads the tables.
func (l *loader) internal() {
	l.cfg.Internal = make([]Internal, len(l.file.internal))
	for i, g := range l.file.internal {
		l.apply(target{internal: &l.cfg.Internal[i]}, g.givens, func(s *Setting) string { return internalPath(i, s.Key) })
		for _, key := range []string{"url", "dir"} {
			if at := internalPath(i, key); !l.sources.Of(at).Given() && !l.unsure(at) {
				l.bad.add(g.src, "[[internal]] has no %s; write url = \"/protected/\" and dir = \"/srv/files\"", key)
			}
		}
	}
}

func (l *loader) checkInternal() {
	seen := make(map[string]bool)
	for i, in := range l.cfg.Internal {
		src := l.sources.Of(internalPath(i, "url"))
		switch {
		case !src.Given():
		case !strings.HasPrefix(in.URL, "/") || in.URL != path.Clean(in.URL) && in.URL != path.Clean(in.URL)+"/":
			l.bad.add(src, "[[internal]] url %q is not a path; it starts with a slash and has no dot segments: \"/protected/\"", in.URL)
		case seen[in.URL]:
			l.bad.add(src, "[[internal]] url %q stands there twice", in.URL)
		}
		seen[in.URL] = true
		if src := l.sources.Of(internalPath(i, "dir")); src.Given() {
			if err := checkFolder(in.Dir); err != nil {
				l.bad.add(src, "[[internal]] dir: %v", err)
			}
		}
	}
}
