package neighbours

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

// Cache is a Cache-Control for the files that a regular expression fits.
type Cache struct {
	Path  string // fits the URL's path; empty: Type counts
	Type  string // fits the media type
	Value string
}

// staticPlaces are the folders that a web server in front may serve by itself: those
// whose names nobody else answers for. One that is for some hosts alone stays with
// standpipe, as does what an app declares, which is known only when it runs, and what
// cannot be spelled in the other program's file.
func staticPlaces(cfg *config.Config) []Static {
	var list []Static
	add := func(mount string, hosts []string, s *config.Static) {
		url := strings.TrimSuffix(mount, "/") + strings.TrimSuffix(s.URL, "/") + "/"
		taken := slices.ContainsFunc(list, func(o Static) bool { return o.URL == url }) // the first one counts
		if strings.Trim(s.URL, "/") != "" && s.Missing == "404" && len(hosts) == 0 && !taken && spellable(append([]string{url, s.Dir}, s.Index...)...) && !strings.Contains(url+s.Dir, `\`) && !slices.ContainsFunc(s.CacheControl, hard) {
			list = append(list, Static{URL: url, Dir: strings.TrimSuffix(s.Dir, "/"), Index: s.Index, Links: s.FollowSymlinks != nil && *s.FollowSymlinks, Precompressed: s.Precompressed, Rules: rules(url, s.CacheControl)})
		}
	}
	for i := range cfg.Static {
		add("", cfg.Static[i].Hosts, &cfg.Static[i])
	}
	for i := range cfg.Apps {
		a := &cfg.Apps[i]
		hosts := a.Hosts
		if len(cfg.Apps) == 1 { // the server block is for these hosts alone
			hosts = nil
		}
		for j := range a.Static {
			if !othersWithin(cfg, a, strings.TrimSuffix(a.Mount, "/")+a.Static[j].URL) {
				add(a.Mount, hosts, &a.Static[j])
			}
		}
	}
	return list
}

// othersWithin reports whether a route, which comes before apps and their folders, or a
// deeper app has a part of the URL's paths.
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

// spellable: neither nginx nor Apache reads more into them than a text.
func spellable(list ...string) bool {
	return !slices.ContainsFunc(list, func(s string) bool {
		return strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f || strings.ContainsRune(`"'$%{}#`, c) })
	})
}

// hard: the rule cannot be spelled.
func hard(r config.CacheRule) bool { return !spellable(r.Pattern, r.Value) }

// Hidden is a regular expression for the paths that are refused: of names with a dot in front only .well-known is
// served (RFC 8615), and nothing that is hidden in it.
func (s Static) Hidden() string {
	return "^" + regexp.QuoteMeta(s.URL) + `(?:\.(?!well-known(?:/|$))|.*/\.)`
}

// Pattern fits all that lies in the place; it catches the name.
func (s Static) Pattern() string { return "^" + regexp.QuoteMeta(s.URL) + "(.*[^/])$" }

// Reversed are the rules for a program in which the last one counts.
func (s Static) Reversed() []Cache {
	list := slices.Clone(s.Rules)
	slices.Reverse(list)
	return list
}

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

// glob is a pattern of path.Match as a regular expression; any is what a wildcard fits.
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
			b.WriteString(p[i:min(end+1, len(p))]) // spelled alike
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

// ForMap is the rule's regular expression in nginx's map of "$uri|$sent_http_content_type".
func (c Cache) ForMap() string {
	if c.Type != "" {
		return `~*\|` + strings.TrimSuffix(strings.TrimPrefix(c.Type, "^"), "(?:$|;)") + `(?:;[^|]*)?$`
	}
	if path, ok := strings.CutSuffix(c.Path, "$"); ok {
		return "~" + path + `\|[^|]*$`
	}
	return "~" + c.Path
}

// Expr is the rule's condition in Apache's expressions.
func (c Cache) Expr() string {
	if c.Type != "" {
		return "expr=%{CONTENT_TYPE} =~ m#" + c.Type + "#i"
	}
	return "expr=%{REQUEST_URI} =~ m#" + c.Path + "#"
}

// Coding is a content coding of a place's files beside themselves.
type Coding struct {
	Static
	Suffix, Accepted string
}

// Codings are those of precompressed files, the best first.
func (f *File) Codings(s Static) (list []Coding) {
	for _, c := range [][2]string{{"br", "br"}, {"zst", "zstd"}, {"gz", "gzip"}} {
		list = append(list, Coding{s, c[0], `(?:^|[ ,])` + c[1] + `\s*(?:$|,|;(?!\s*q=0(?:\.0*)?\s*(?:,|$)))`})
	}
	return list
}
