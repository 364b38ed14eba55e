package static

import (
	"io"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/spool"
)

// maxManifest bounds a manifest; bytes. A larger one proves nothing.
const maxManifest = 8 << 20

// manifestNames are the files in which build tools list the names that they made: Django's
// ManifestStaticFilesStorage; Vite 5 and older ones, esbuild's plugin; webpack's
// plugins, create-react-app; parcel's reporter; gulp's.
var manifestNames = []string{"staticfiles.json", ".vite/manifest.json", "manifest.json", "asset-manifest.json", webpackAssets, "parcel-manifest.json", "rev-manifest.json"}

const webpackAssets = "webpack-assets.json"

// manifests are those of one root: in the folder itself and in folders beneath it.
type manifests struct {
	mu   sync.Mutex
	dirs map[string]*manifest
}

// manifest is what the manifests of one folder prove; names are relative to the root.
type manifest struct {
	looked time.Time
	stamp  string
	names  map[string]bool
}

// has reports whether a manifest of name's folder, or of one above it, proves the name.
func (m *manifests) has(r *Root, name string, now time.Time) bool {
	base := path.Base(name)
	if !strings.ContainsAny(base, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_-") {
		return false // no tool makes such a hash
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
	if known != nil && now.Sub(known.looked) < recheckAfter {
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
		text, err := io.ReadAll(io.LimitReader(spool.DiskFile{File: f}, maxManifest+1))
		f.Close()
		if err != nil || len(text) > maxManifest {
			continue
		}
		for _, value := range proved(parseManifest(path.Base(file), text)) {
			// webpack puts a public path in front, which is not the folder's.
			for ok := true; ok; _, value, ok = strings.Cut(value, "/") {
				names[path.Join(dir, value)] = true
			}
		}
	}
	return names
}
