package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// The words of --static.
const (
	StaticAuto  = "auto"  // what the app declares is served where that bypasses none of its guards
	StaticForce = "force" // all that it declares
	StaticOff   = "off"   // nothing that it declares
)

// AppFiles are the files that are served without the app, and what it sends by name.
type AppFiles struct {
	SendfileRoots  []string `key:"sendfile_roots"` // absolute; folders of which X-Sendfile may name files; none: the field passes like any other
	Static         []Static // [[app.static]]
	Mode           string   // StaticAuto, StaticForce or StaticOff; empty: StaticAuto
	FollowSymlinks bool     `key:"follow_symlinks"` // in its static folders
	CompressStatic bool     `key:"static_compress"` // static files, when they are requested
	CompressApp    bool     `key:"compress"`        // the app's own responses
}

// Settings are keys of [[app]].
func (*AppFiles) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "sendfile_roots", Kind: schema.List, Flags: []string{"sendfile-root", "sendfile-roots"}, Reload: true, Hint: "DIR"},
		{Key: "static", Kind: schema.List, Reload: true, Hint: "/URL=DIR|off|force", Derived: "`auto`: what the app declares",
			Set: schema.Set(setStatic), Show: schema.Show(showStatic)},
		{Key: "follow_symlinks", Kind: schema.Switch, Default: "off", Reload: true},
		{Key: "static_compress", Kind: schema.Switch, Default: "on", Reload: true},
		{Key: "compress", Kind: schema.Switch, Default: "off", Reload: true},
	}}
}

// setStatic adds to the folders of the layers before; a URL that is given again is changed.
func setStatic(f *AppFiles, in schema.Input) error {
	for _, v := range in.List() {
		switch v {
		case StaticAuto, StaticForce, StaticOff:
			f.Mode = v
			continue
		}
		url, dir, ok := strings.Cut(v, "=")
		if !ok || dir == "" || !strings.HasPrefix(url, "/") {
			return fmt.Errorf("%q is not /URL=DIR, off, force or auto; write /media=./media", v)
		}
		s := Static{URL: url, Dir: dir, FileRules: FileRules{Precompressed: true}, src: in.Src}
		if i := slices.IndexFunc(f.Static, s.sameURL); i >= 0 {
			f.Static[i] = s
		} else {
			f.Static = append(f.Static, s)
		}
	}
	return nil
}

func showStatic(f *AppFiles) (string, bool) {
	out := []string{cmp.Or(f.Mode, StaticAuto)}
	for _, s := range f.Static {
		out = append(out, s.URL+"="+s.Dir)
	}
	return strings.Join(out, ","), true
}

// complete adds the folders of [[app.static]] to those of the flags, and fills in what depends on the app. A URL that the
// flags have too is theirs.
func (f *AppFiles) complete(dir string, tables []Static) {
	for _, s := range tables {
		if !slices.ContainsFunc(f.Static, s.sameURL) {
			f.Static = append(f.Static, s)
		}
	}
	for i := range f.Static {
		s := &f.Static[i]
		s.complete(dir)
		if s.FollowSymlinks == nil {
			s.FollowSymlinks = &f.FollowSymlinks
		}
	}
}
