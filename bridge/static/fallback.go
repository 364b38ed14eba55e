package static

import (
	"net/http"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// fallback answers with the mount's Fallback where the request is for a page: its client takes HTML, and its name is not
// that of a file. A script of an older deployment that got a page would be an error that nobody understands. false: the
// answer is 404.
func (h *Handler) fallback(w http.ResponseWriter, r *http.Request, s *openMount) bool {
	rest, _ := s.under(r.URL.Path)
	name, _, ok := nameOf(rest)
	if !ok || s.isScript(name) || s.Site && isSource(name) || s.isFile(name) || !httpx.AcceptsHTML(r.Header["Accept"]) {
		return false
	}
	return h.try(w, r, s, "/"+s.Fallback)
}

// isFile reports whether a name ends as those of files do: there is a media type for it.
func (s *openMount) isFile(name string) bool {
	base := name[strings.LastIndexByte(name, '/')+1:]
	return strings.Contains(base, ".") && s.typeOf(base) != octetStream
}
