package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// notAnApp returns what to write instead if the module of an app is a folder or a configuration file. Empty: it may be an
// app; its interpreter finds out.
func notAnApp(a *App) string {
	name, _, _ := strings.Cut(a.Module, ":")
	if name == "" {
		return ""
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(a.Dir, path)
	}
	st, err := os.Stat(path)
	switch ext := filepath.Ext(name); {
	case err == nil && st.IsDir() && strings.ContainsAny(name, "./") && (strings.Trim(name, "./") == "" || !isRegular(filepath.Join(path, "__init__.py"))):
		if filepath.Clean(path) == a.Dir {
			return fmt.Sprintf("%s is a folder; leave it out: standpipe serve looks for the app in the current folder", name)
		}
		return fmt.Sprintf("%s is a folder; write --dir %s, and standpipe looks for the app there", name, name)
	case ext == ".toml":
		return fmt.Sprintf("%s is a configuration file; write -c %s", name, name)
	case ext == ".ini" || ext == ".cfg" || ext == ".conf":
		if text, err := readBounded(path); err == nil && strings.Contains(string(text), "[uwsgi]") {
			return fmt.Sprintf("%s is uWSGI's configuration; docs/migrating.md has each key's place. Name the app: standpipe serve shop.wsgi:application", name)
		}
		return fmt.Sprintf("%s is a configuration file of PasteDeploy (pserve, gunicorn --paste): write a wsgi.py with "+
			"`from paste.deploy import loadapp` and `application = loadapp(\"config:%s\")`, and serve that: standpipe serve wsgi.py", name, path)
	}
	return ""
}

func isRegular(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}
