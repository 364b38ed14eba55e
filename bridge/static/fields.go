package static

import (
	"net/http"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// field is a field that a mount adds to its answers.
type field struct{ name, value string }

func fieldsOf(couples []string) (list []field) {
	for c := range slices.Chunk(couples, 2) {
		list = append(list, field{http.CanonicalHeaderKey(c[0]), c[1]})
	}
	return list
}

// ownFields are those that the server itself sets in the answer for a file.
var ownFields = []string{
	"Accept-Ranges", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Range", "Content-Type", "Date", "Etag", "Expires",
	"Keep-Alive", "Last-Modified", "Location", "Trailer", "Transfer-Encoding", "Upgrade", "X-Content-Type-Options",
}

// MayAdd reports whether a mount may add a field of that name: it is a token, and the
// server does not set it itself.
func MayAdd(name string) bool {
	return httpx.IsToken(name) && !slices.Contains(ownFields, http.CanonicalHeaderKey(name))
}

// IsValue reports whether s can be a field's value (RFC 9110 5.5) and is not empty.
func IsValue(s string) bool { return s != "" && strings.TrimSpace(s) == s && httpx.ValidValue(s) }

const allowOrigin = "Access-Control-Allow-Origin"

// crossOrigin: pages of other origins may read the files.
func (s *openMount) crossOrigin() bool {
	return slices.ContainsFunc(s.added, func(f field) bool { return f.name == allowOrigin })
}

// preflight answers a browser that asks whether a page of another origin may send a
// request (Fetch standard, 4.8). The answer for a file does not depend on such fields, so
// all of them are allowed unless the mount says otherwise.
func (s *openMount) preflight(w http.ResponseWriter, r *http.Request, allow string) {
	h := w.Header()
	for _, f := range s.added {
		h[f.name] = append(h[f.name], f.value)
	}
	if len(h["Access-Control-Allow-Methods"]) == 0 {
		h["Access-Control-Allow-Methods"] = []string{"GET, HEAD"}
	}
	if wanted := r.Header["Access-Control-Request-Headers"]; len(wanted) > 0 && len(h["Access-Control-Allow-Headers"]) == 0 {
		h["Access-Control-Allow-Headers"] = []string{"*"}
	}
	h["Allow"] = []string{allow}
	w.WriteHeader(http.StatusNoContent)
}
