package nginx

import (
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/moving/draft"
)

// errorPage reads an error_page of a server: files become pages of standpipe's own errors, which all sites have. Not ok: it is another answer.
func errorPage(t *translation, s *scope, d directive) (ok bool) {
	uri := last(d)
	if len(d.args) < 2 || !strings.HasPrefix(uri, "/") || strings.Contains(uri, "$") {
		return false
	}
	file := ""
	for _, l := range s.list {
		if m := matchOf(l); l.name == "location" && m.uri == uri && !m.isRegex() {
			inner := &scope{list: l.block, around: s}
			if alias, ok := inner.own("alias"); ok {
				file = alias.arg(0)
			} else if root, ok := inner.get("root"); ok {
				file = path.Join(root.arg(0), uri)
			}
		}
	}
	if root, ok := s.get("root"); ok && file == "" {
		file = path.Join(root.arg(0), uri)
	}
	if info, err := os.Stat(t.paths.Here(file)); file == "" || err != nil || info.IsDir() {
		return false
	}
	for _, word := range d.args[:len(d.args)-1] {
		if n, err := strconv.Atoi(word); err != nil || n < 400 || n > 599 {
			return false
		}
	}
	top := t.d.Table("")
	for _, status := range d.args[:len(d.args)-1] {
		page := draft.Pair{Name: status, Value: t.paths.File(file)}
		i := slices.IndexFunc(t.pages, func(p draft.Pair) bool { return p.Name == status })
		switch {
		case i < 0:
			t.pages = append(t.pages, page)
			top.Set(d.at, "error_page", t.pages)
		case t.pages[i] != page:
			t.d.Missing(d.at, d.String(), "`error_page` is one for all sites here; the first one counts")
		}
	}
	return true
}
