package proxy

import (
	"maps"
	"net/http"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// informer forwards the informational responses of an upstream (RFC 9110 15.2).
type informer struct{ q *request }

// Inform is upstream.Informer's. A client of HTTP/1.0 gets none; nobody gets 100, which the server itself sends when the body
// is read.
func (i informer) Inform(status int, list []httpx.Field) {
	q := i.q
	if status == http.StatusContinue || !q.r.ProtoAtLeast(1, 1) {
		return
	}
	ours := q.w.Header()
	kept := maps.Clone(ours) // the chain's, for the final head
	clear(ours)
	for _, f := range list {
		name := http.CanonicalHeaderKey(f.Name)
		switch name {
		case "Connection", "Keep-Alive", "Proxy-Connection", "Upgrade":
		default:
			name = httpx.Spelling(name)
			ours[name] = append(ours[name], f.Value)
		}
	}
	q.w.WriteHeader(status)
	clear(ours)
	maps.Copy(ours, kept)
}
