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
func (i informer) Inform(status int, fields http.Header) {
	if status == http.StatusContinue || !i.q.r.ProtoAtLeast(1, 1) {
		return
	}
	ours := i.q.w.Header()
	kept := maps.Clone(ours) // the chain's, for the final head
	clear(ours)
	for name, values := range fields {
		switch name {
		case "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Content-Length":
		default:
			ours[httpx.Spelling(name)] = values
		}
	}
	i.q.w.WriteHeader(status)
	clear(ours)
	maps.Copy(ours, kept)
}
