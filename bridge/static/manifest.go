package static

import (
	"encoding/json"
	"io"
	"path"
	"strings"
	"sync"
	"time"
)

// manifestMost bounds a manifest; octets. A larger one proves nothing.
const manifestMost = 8 << 20

// manifestNames are where build tools write what they have named: Django's
// ManifestStaticFilesStorage; Vite 5 and older ones; webpack's plugins.
var manifestNames = []string{"staticfiles.json", ".vite/manifest.json", "manifest.json", "asset-manifest.json", "webpack-assets.json"}

// manifests are those of one root: in the folder itself and in folders beneath it.
type manifests struct {
	mu   sync.Mutex
	dirs map[string]*manifest
}

// manifest is what those of one folder prove; names are relative to the root.
type manifest struct {
	looked time.Time
	stamp  string
	names  map[string]bool
}

// has reports whether a manifest of name's folder, or of one above it, gives the name.
func (m *manifests) has(r *Root, name string, now time.Time) bool {
	base := path.Base(name)
	if !strings.ContainsAny(base, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_-") {
		return false // no tool's hash looks so
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if m.of(r, dir, now).names[name] {
			return true
		}
		if dir == "." {
			return false
		}
	}
}

// of is what is known of a folder. mu is held.
func (m *manifests) of(r *Root, dir string, now time.Time) *manifest {
	if m.dirs == nil || len(m.dirs) > 10000 {
		m.dirs = map[string]*manifest{}
	}
	known := m.dirs[dir]
	if known != nil && now.Sub(known.looked) < lookAgain {
		return known
	}
	var stamp strings.Builder
	for _, file := range manifestNames {
		if st, err := r.stat(path.Join(dir, file), now); err == nil {
			stamp.WriteString(file + st.ModTime().String())
		}
	}
	if known == nil || known.stamp != stamp.String() {
		known = &manifest{stamp: stamp.String()}
		if known.stamp != "" {
			known.names = readManifests(r, dir, now)
		}
		m.dirs[dir] = known
	}
	known.looked = now
	return known
}

func readManifests(r *Root, dir string, now time.Time) map[string]bool {
	names := map[string]bool{}
	for _, file := range manifestNames {
		f, err := r.openFile(path.Join(dir, file), now)
		if err != nil {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(f, manifestMost+1))
		f.Close()
		if err != nil || len(text) > manifestMost {
			continue
		}
		for key, value := range parseManifest(text) {
			if !named(key, value) {
				continue
			}
			// webpack puts a public path in front, which is not the folder's.
			for ok := true; ok; _, value, ok = strings.Cut(value, "/") {
				names[path.Join(dir, value)] = true
			}
		}
	}
	return names
}

// parseManifest gives pairs of what a tool was given and the name that it made of it,
// relative to the manifest's folder.
func parseManifest(text []byte) func(yield func(string, string) bool) {
	return func(yield func(string, string) bool) {
		var doc map[string]json.RawMessage
		if json.Unmarshal(text, &doc) != nil {
			return
		}
		for _, table := range []string{"paths", "files"} { // Django; create-react-app
			if doc[table] == nil {
				continue
			}
			var pairs map[string]string
			if json.Unmarshal(doc[table], &pairs) == nil {
				for k, v := range pairs {
					if !yield(k, relative(v)) {
						return
					}
				}
			}
		}
		for key, raw := range doc {
			var plain string
			var chunk struct { // Vite
				File        string
				CSS, Assets []string
			}
			switch {
			case json.Unmarshal(raw, &plain) == nil: // webpack-manifest-plugin
				if !yield(key, relative(plain)) {
					return
				}
			case json.Unmarshal(raw, &chunk) == nil && chunk.File != "":
				for _, v := range append(append(chunk.CSS, chunk.Assets...), chunk.File) {
					if !yield(key, relative(v)) {
						return
					}
				}
			}
		}
	}
}

// relative takes off the public path that webpack puts in front.
func relative(v string) string {
	v = strings.TrimPrefix(v, "./")
	if i := strings.Index(v, "://"); i >= 0 {
		_, v, _ = strings.Cut(v[i+3:], "/")
	}
	v = strings.TrimPrefix(v, "/")
	return v
}

// named reports whether value is a name that a tool made with a hash: another one than
// it was given, and with a part that no person writes. A web app's manifest.json has
// pairs too ("start_url": "/index.html").
func named(key, value string) bool {
	base := path.Base(value)
	if value == "" || base == path.Base(key) || strings.Contains(value, "..") {
		return false
	}
	suffix := path.Ext(base)
	stem := strings.TrimSuffix(base, suffix)
	for i := len(stem) - 1; i >= 0; i-- {
		if c := stem[i]; c != '.' && c != '-' && c != '_' {
			continue
		}
		if hash := stem[i+1:]; len(hash) >= 8 && strings.ContainsAny(hash, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			return true
		}
	}
	return len(stem) >= 20 && strings.Trim(stem, "0123456789abcdef") == "" // webpack's [contenthash].js
}
