package export

import (
	"regexp"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config"
)

// Static is a folder that a web server may serve by itself, as standpipe would.
type Static struct {
	URL           string // with a slash at its end
	Dir           string // without one
	Index         []string
	Links         bool // links may leave the folder
	Precompressed bool
	Rules         []Cache
}

// Cache is a Cache-Control for the files that a regular expression matches.
type Cache struct {
	Path  string // matches the URL's path; empty: Type counts
	Type  string // matches the media type
	Value string
}

// staticPlaces are the folders that a web server in front may serve by itself: those whose
// paths no route and no other app has. Standpipe serves a folder for only some hosts, folders
// that an app declares, which are known only when it runs, and those that cannot be spelled
// in the other program's file.
//
// left are the URLs of those that standpipe serves, and of the folders around them.
func staticPlaces(cfg *config.Config) (list []Static, left []string) {
	add := func(mount string, s *config.Static, may bool) {
		url := strings.TrimSuffix(mount, "/") + strings.TrimSuffix(s.URL, "/") + "/"
		if slices.Contains(left, url) || slices.ContainsFunc(list, func(o Static) bool { return o.URL == url }) {
			return // the first one counts
		}
		if !may || !exportable(url, s) {
			left = append(left, url)
			return
		}
		list = append(list, Static{URL: url, Dir: strings.TrimSuffix(s.Dir, "/"), Index: s.Index, Links: s.FollowSymlinks != nil && *s.FollowSymlinks, Precompressed: s.Precompressed, Rules: rules(url, s.CacheControl)})
	}
	for i := range cfg.Static {
		add("", &cfg.Static[i], len(cfg.Static[i].Hosts) == 0)
	}
	for i := range cfg.Apps {
		a := &cfg.Apps[i]
		ours := len(a.Hosts) == 0 || len(cfg.Apps) == 1 // with one app, the server block is for its hosts alone
		for j := range a.Files.Static {
			add(a.Mount, &a.Files.Static[j], ours && !othersWithin(cfg, a, strings.TrimSuffix(a.Mount, "/")+a.Files.Static[j].URL))
		}
	}
	list = slices.DeleteFunc(list, func(s Static) bool {
		around := slices.ContainsFunc(left, func(url string) bool { return strings.HasPrefix(url, s.URL) })
		if around {
			left = append(left, s.URL)
		}
		return around
	})
	return list, left
}

// exportable reports whether the folder's settings can be spelled in the other program's file.
func exportable(url string, s *config.Static) bool {
	return strings.Trim(s.URL, "/") != "" && s.Missing == "404" && len(s.Headers) == 0 && len(s.Types) == 0 && slices.Contains([]string{"", "auto", "none"}, s.Charset) &&
		spellable(append([]string{url, s.Dir}, s.Index...)...) && !strings.Contains(url+s.Dir, `\`) && !slices.ContainsFunc(s.CacheControl, hard)
}

// othersWithin reports whether a route, which comes before apps and their folders, or an app
// with a longer mount has some of the URL's paths.
func othersWithin(cfg *config.Config, a *config.App, url string) bool {
	meet := func(path string) bool {
		path, url := strings.Trim(path, "/")+"/", strings.Trim(url, "/")+"/"
		return path == "/" || strings.HasPrefix(path, url) || strings.HasPrefix(url, path)
	}
	return slices.ContainsFunc(cfg.Routes, func(r config.Route) bool { return meet(r.Path) }) ||
		slices.ContainsFunc(cfg.Apps, func(o config.App) bool {
			return o.Name != a.Name && len(o.Mount) > len(a.Mount) && meet(o.Mount)
		})
}

// spellable reports whether nginx and Apache take all of the texts literally.
func spellable(list ...string) bool {
	return !slices.ContainsFunc(list, func(s string) bool {
		return strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f || strings.ContainsRune(`"'$%{}#`, c) })
	})
}

// hard reports whether the rule cannot be spelled.
func hard(r config.CacheRule) bool { return !spellable(r.Pattern, r.Value) }

// hidden is a regular expression for the paths that are refused: of names that begin with a dot, only .well-known is
// served (RFC 8615), without hidden files in it.
func (s Static) hidden() string {
	return "^" + regexp.QuoteMeta(s.URL) + `(?:\.(?!well-known(?:/|$))|.*/\.)`
}

// pattern matches all paths in the folder; it captures the name.
func (s Static) pattern() string { return "^" + regexp.QuoteMeta(s.URL) + "(.*[^/])$" }

func rules(url string, list []config.CacheRule) (out []Cache) {
	for _, r := range list {
		at := regexp.QuoteMeta(strings.TrimSuffix(url, "/"))
		c := Cache{Value: r.Value}
		switch p := r.Pattern; {
		case strings.HasPrefix(p, "/"):
			c.Path = "^" + at + glob(p, "[^/]") + "$"
			if prefix, ok := strings.CutSuffix(p, "/*"); ok {
				c.Path = "^" + at + regexp.QuoteMeta(prefix) + "/"
			}
		case strings.Contains(p, "/"):
			c.Type = "^" + glob(strings.ToLower(p), "[^/;]") + "(?:$|;)"
		default:
			c.Path = "^" + at + "/(?:.*/)?" + glob(p, "[^/]") + "$"
		}
		out = append(out, c)
	}
	return out
}

// glob is a pattern of path.Match as a regular expression; any is what a wildcard matches.
func glob(p, any string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '*':
			b.WriteString(any + "*")
		case '?':
			b.WriteString(any)
		case '[':
			end := i + 1 // a class has one character at least
			for end < len(p) && (p[end] != ']' || end == i+1) {
				if p[end] == '\\' {
					end++
				}
				end++
			}
			b.WriteString(p[i:min(end+1, len(p))]) // spelled the same
			i = end
		case '\\':
			if i++; i < len(p) {
				b.WriteString(regexp.QuoteMeta(p[i : i+1]))
			}
		default:
			b.WriteString(regexp.QuoteMeta(p[i : i+1]))
		}
	}
	return b.String()
}

// forMap is the rule's regular expression in nginx's map of "$uri|$sent_http_content_type".
func (c Cache) forMap() string {
	if c.Type != "" {
		return `~*\|` + strings.TrimSuffix(strings.TrimPrefix(c.Type, "^"), "(?:$|;)") + `(?:;[^|]*)?$`
	}
	if path, ok := strings.CutSuffix(c.Path, "$"); ok {
		return "~" + path + `\|[^|]*$`
	}
	return "~" + c.Path
}

// expr is the rule's condition in Apache's expressions.
func (c Cache) expr() string {
	if c.Type != "" {
		return "expr=%{CONTENT_TYPE} =~ m#" + c.Type + "#i"
	}
	return "expr=%{REQUEST_URI} =~ m#" + c.Path + "#"
}

// coding is a content coding of precompressed files: the end of their names, and which Accept-Encoding takes it.
type coding struct{ suffix, accepted string }

// codings are the content codings of precompressed files, the best first.
func codings() (list []coding) {
	for _, c := range [][2]string{{"br", "br"}, {"zst", "zstd"}, {"gz", "gzip"}} {
		list = append(list, coding{c[0], `(?:^|[ ,])` + c[1] + `\s*(?:$|,|;(?!\s*q=0(?:\.0*)?\s*(?:,|$)))`})
	}
	return list
}
