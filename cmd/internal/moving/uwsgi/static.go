package uwsgi

import (
	"os"
	"path"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// static translates folders of files.
func (t *translation) static() {
	var index []string
	for _, o := range t.all("static-index") {
		index = append(index, o.value)
	}
	for _, o := range t.all("static-map", "static-map2", "check-static") {
		url, dir, ok := strings.Cut(o.value, "=")
		switch {
		case o.key == "check-static":
			url, dir = "/", o.value
		case !ok:
			t.d.Missing(o.at, o.key+" = "+o.value, "there is no = in it")
			continue
		case o.key == "static-map2":
			dir = path.Join(dir, url)
		}
		if url = "/" + strings.TrimLeft(url, "/"); dir == "" {
			continue
		}
		dir = t.paths.OfApp(dir, t.paths.Base)
		full := dir
		if !strings.HasPrefix(full, "/") {
			full = path.Join(t.paths.Base, dir)
		}
		if st, err := os.Stat(full); err == nil && !st.IsDir() {
			t.d.Missing(o.at, o.key+" = "+o.value, "a single file is served from its folder, or by the app")
			continue
		}
		s := t.app.Add("[[app.static]]")
		s.Set(o.at, "url", url)
		s.Set(o.at, "dir", dir)
		if url != "/" {
			s.Set(draft.Place{}, "missing", "app") // uWSGI asks the app for a name that the folder does not have
		}
		if len(index) > 0 {
			s.Set(t.last("static-index").at, "index", index)
		}
		if safe := t.last("static-safe"); safe.key != "" {
			s.Set(safe.at, "follow_symlinks", true)
		}
	}
}
