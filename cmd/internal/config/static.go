package config

import (
	"fmt"
	"mime"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Static is one folder of files that are served without the app.
type Static struct {
	URL   string   `key:"url"` // "/media"; "/" is everything. Of an app's: beneath its mount
	Dir   string   `key:"dir"` // absolute
	Link  string   // Dir as configured, where a release has resolved it; else empty
	Hosts []string // of [[static]] alone; as an app's; none: every host
	FileRules

	src schema.Source // of the table, or of the flag
}

// FileRules say how the files of a folder are served.
type FileRules struct {
	// Missing is the answer for a name that the folder does not have: "404", "app" for the next folder or the app, or the path of a file.
	Missing        string
	Index          []string `key:"index"`   // files that answer for a folder
	Listing        bool     `key:"listing"` // the names in a folder without an index are shown
	FollowSymlinks *bool    // nil: as the app's
	Precompressed  bool     `key:"precompressed"` // NAME.br, NAME.zst, NAME.gz are sent for NAME
	CacheControl   []CacheRule
	Headers        []string          // name, value, ... of responses with its files
	Charset        string            // of text files; "auto", "none"
	Types          map[string]string // media types by ".suffix" or name, in lower case
}

// CacheRule is a Cache-Control for some files.
type CacheRule struct {
	Pattern string // "*.pdf", "/img/*", "image/*"
	Value   string
	MaxAge  time.Duration // when the value was a duration; else 0
}

// Settings are those of [[static]] and [[app.static]].
func (*Static) Settings() schema.Group {
	return schema.Group{Key: "static", FileOnly: true, Settings: []schema.Setting{
		{Key: "url", Kind: schema.Text, Reload: true, Required: `url = "/media/" and dir = "media"`},
		{Key: "dir", Kind: schema.Text, Reload: true, Required: `url = "/media/" and dir = "media"`},
		{Key: "hosts", Kind: schema.List, Reload: true, Derived: "every host",
			Set: setHosts(func(s *Static) *[]string { return &s.Hosts }), Show: showHosts(func(s *Static) []string { return s.Hosts })},
	}}
}

// Settings are keys of every table about a folder.
func (*FileRules) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "missing", Kind: schema.Text, Reload: true, Derived: "`404`; `app` where url is `/`", Set: schema.Set(setMissing),
			Show: schema.Show(func(s *FileRules) (string, bool) { return s.Missing, s.Missing != "" })},
		{Key: "index", Kind: schema.List, Reload: true, Derived: "none in [[static]]; `index.html` in [[route]]"},
		{Key: "listing", Kind: schema.Switch, Reload: true, Default: "off"},
		{Key: "follow_symlinks", Kind: schema.Switch, Reload: true, Derived: "as the app's; off",
			Set: schema.Set(func(s *FileRules, in schema.Input) error {
				s.FollowSymlinks = new(bool)
				return schema.Store(s.FollowSymlinks, in.Last(), schema.ParseSwitch)
			}), Show: schema.Show(func(s *FileRules) (string, bool) {
				if s.FollowSymlinks == nil {
					return "", false
				}
				return schema.OnOff(*s.FollowSymlinks), true
			})},
		{Key: "precompressed", Kind: schema.Switch, Reload: true, Default: "on"},
		{Key: "cache_control", Kind: schema.Pairs, Reload: true, Derived: "`no-cache`; a year and `immutable` where the name is proved to be made of the content",
			Set: schema.Set(setCacheControl), Show: schema.Show(showCacheControl)},
		headersSetting(true, func(s *FileRules) *[]string { return &s.Headers }),
		{Key: "charset", Kind: schema.Text, Reload: true, Default: "auto",
			Set: schema.Set(func(s *FileRules, in schema.Input) error {
				if v := in.Last(); !isToken(v) {
					return fmt.Errorf("%q is not the name of a charset", v)
				}
				s.Charset = in.Last()
				return nil
			}), Show: schema.Show(func(s *FileRules) (string, bool) { return s.Charset, true })},
		{Key: "types", Kind: schema.Pairs, Reload: true, Derived: "the built-in table", Set: schema.Set(setTypes),
			Show: schema.Show(func(s *FileRules) (string, bool) { return showPairs(s.Types) })},
	}}
}

func setMissing(s *FileRules, in schema.Input) error {
	v := in.Last()
	if v != "404" && v != "app" && (!strings.HasPrefix(v, "/") || v == "/" || path.Clean(v) != v) {
		return fmt.Errorf("%q is not 404, app, or the path of a file in the folder; write /index.html", v)
	}
	s.Missing = v
	return nil
}

// Fallback is the name of the file that answers for pages that the folder does not have; empty: there is none.
func (f *FileRules) Fallback() string {
	if strings.HasPrefix(f.Missing, "/") {
		return f.Missing[1:]
	}
	return ""
}

// badFallback is why there is no such file in dir; empty: there is one, or none is named.
func (f *FileRules) badFallback(dir string) string {
	name := f.Fallback()
	if name == "" {
		return ""
	}
	if st, err := os.Stat(filepath.Join(dir, name)); err != nil || !st.Mode().IsRegular() {
		return fmt.Sprintf("missing: there is no file %s", filepath.Join(dir, name))
	}
	return ""
}

func setCacheControl(s *FileRules, in schema.Input) error {
	for _, v := range in.Values {
		pattern, value, ok := strings.Cut(v, "=")
		if _, err := path.Match(pattern, ""); !ok || pattern == "" || err != nil {
			return fmt.Errorf("%q is not a pattern and a value", v)
		}
		rule := CacheRule{Pattern: pattern, Value: value}
		if d, err := schema.ParseDuration(value); err == nil {
			rule.MaxAge = d
			rule.Value = "public, max-age=" + strconv.FormatInt(int64(d/time.Second), 10)
		}
		if value == "" || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			return fmt.Errorf("%q: %q is not a value of Cache-Control", pattern, value)
		}
		s.CacheControl = append(s.CacheControl, rule)
	}
	return nil
}

func showCacheControl(s *FileRules) (string, bool) {
	var out []string
	for _, r := range s.CacheControl {
		out = append(out, r.Pattern+"="+r.Value)
	}
	return strings.Join(out, "; "), len(out) > 0
}

func setTypes(s *FileRules, in schema.Input) error {
	for _, v := range in.Values {
		name, kind, ok := strings.Cut(v, "=")
		if _, _, err := mime.ParseMediaType(kind); !ok || name == "" || strings.Contains(name, "/") || !strings.Contains(kind, "/") || err != nil {
			return fmt.Errorf("%q is not a suffix or a name, and a media type", v)
		}
		if s.Types == nil {
			s.Types = map[string]string{}
		}
		s.Types[strings.ToLower(name)] = kind
	}
	return nil
}

// Where is the line of the file that the folder's table begins in.
func (s Static) Where() string { return s.src.Position() }

func (s Static) sameURL(o Static) bool {
	return strings.TrimRight(s.URL, "/") == strings.TrimRight(o.URL, "/")
}

// complete fills in what was not set. A relative folder is relative to dir.
func (s *Static) complete(dir string) {
	if s.Missing == "" {
		s.Missing = "404"
		if s.URL == "/" {
			s.Missing = "app"
		}
	}
	if !filepath.IsAbs(s.Dir) {
		s.Dir = filepath.Join(dir, s.Dir)
	}
}

// checkStatics finds mistakes in a list of folders. there: the folders have to exist.
func checkStatics(r *schema.Row, what string, list []Static, there bool) {
	for i, s := range list {
		bad := func(format string, args ...any) { r.BadAt(s.src, what+": "+format, args...) }
		switch clean := path.Clean(s.URL); {
		case !strings.HasPrefix(s.URL, "/"), s.URL != clean && s.URL != clean+"/", strings.ContainsAny(s.URL, "?#"):
			bad("url %q is not a path; it starts with a slash and has no dot segments: \"/media/\"", s.URL)
		case slices.ContainsFunc(list[:i], func(o Static) bool { return s.sameURL(o) && slices.Equal(o.Hosts, s.Hosts) }):
			bad("duplicate url %q; leave one of them out", s.URL)
		}
		for _, h := range s.Hosts {
			if why := badHost(h); why != "" {
				bad("host %q %s", h, why)
			}
		}
		if name := s.badIndex(); name != "" {
			bad("index %s is not a file's name", name)
		}
		if err := checkFolder(s.Dir); err != nil && there {
			bad("%v", err)
		} else if why := s.badFallback(s.Dir); why != "" && there {
			bad("%s", why)
		}
	}
}

// badIndex is the first index that is not a file's name, in quotes; empty: there is none.
func (f *FileRules) badIndex() string {
	for _, name := range f.Index {
		if name == "" || strings.ContainsAny(name, `/\`) {
			return strconv.Quote(name)
		}
	}
	return ""
}
