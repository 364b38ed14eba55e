package devreload

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

var templates = map[string]bool{".html": true, ".htm": true, ".jinja": true, ".jinja2": true, ".j2": true, ".mako": true, ".djhtml": true}

func isTemplate(path string) bool {
	ext := filepath.Ext(path)
	return templates[ext] || (ext == ".txt" || ext == ".xml") && strings.Contains(path, string(filepath.Separator)+"templates"+string(filepath.Separator))
}

// folders calls observe for dir and the folders below it that may hold templates.
func folders(dir string, observe func(string)) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
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
