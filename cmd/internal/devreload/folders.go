package devreload

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

var templates = map[string]bool{".html": true, ".htm": true, ".jinja": true, ".jinja2": true, ".j2": true, ".mako": true, ".djhtml": true}

var assets = map[string]bool{".css": true, ".js": true, ".mjs": true, ".svg": true, ".png": true, ".jpg": true, ".jpeg": true, ".gif": true, ".webp": true, ".avif": true, ".ico": true, ".woff": true, ".woff2": true}

// isAsset says whether a path is one of a file that pages load.
func isAsset(path string) bool { return assets[strings.ToLower(filepath.Ext(path))] }

func isTemplate(path string) bool {
	ext := filepath.Ext(path)
	return templates[ext] || (ext == ".txt" || ext == ".xml") && strings.Contains(path, string(filepath.Separator)+"templates"+string(filepath.Separator))
}

// mostEntries bounds a walk: a folder may hold anything.
const mostEntries = 200_000

// folders calls observe for dir and the folders below it that may hold templates, and template for each template; nil: for none.
func folders(dir string, observe, template func(string)) {
	entries := 0
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if entries++; entries > mostEntries {
			return fs.SkipAll
		}
		if err != nil || !d.IsDir() {
			if err == nil && template != nil && isTemplate(path) {
				template(path)
			}
			return nil // what cannot be read is not observed
		}
		if path != dir {
			name := d.Name()
			if strings.HasPrefix(name, ".") || name == "node_modules" || name == "__pycache__" || name == "site-packages" {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "pyvenv.cfg")); err == nil {
				return fs.SkipDir
			}
		}
		observe(path)
		return nil
	})
}
