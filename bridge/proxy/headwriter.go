package proxy

import (
	"maps"
	"net/http"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// headWriter is the ResponseWriter that ReverseProxy writes a response's head to. It keeps the upstream's fields apart from the
// chain's until the head goes out: ReverseProxy empties the map after each informational response. The trailers are set
// after the head, on the client's own map.
type headWriter struct {
	http.ResponseWriter
	q      *request
	fields http.Header // of the upstream's response
	sent   bool
}

// Unwrap is for http.ResponseController.
func (h *headWriter) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// Header is called by ReverseProxy before it adds fields, and, for an upgraded connection, once more before it writes them
// itself.
func (h *headWriter) Header() http.Header {
	if h.sent {
		return h.ResponseWriter.Header()
	}
	if h.fields == nil {
		h.fields = make(http.Header)
	}
	httpx.Spell(h.fields, h.fields)
	return h.fields
}

func (h *headWriter) WriteHeader(status int) {
	if status < 200 && status != http.StatusSwitchingProtocols {
		h.inform(status)
		return
	}
	h.sent = true
	ours := h.ResponseWriter.Header()
	for name, values := range h.fields {
		name = httpx.Spelling(name)
		ours[name] = append(ours[name], values...)
	}
	h.ResponseWriter.WriteHeader(status)
}

// inform sends an informational response, but not to a client of HTTP/1.0, which knows none (RFC 9110 15.2), and not 100:
// the server itself sends that when the body is read.
func (h *headWriter) inform(status int) {
	if status == http.StatusContinue || !h.q.r.ProtoAtLeast(1, 1) {
		return
	}
	ours := h.ResponseWriter.Header()
	kept := maps.Clone(ours)
	clear(ours)
	for name, values := range h.fields {
		switch name {
		case "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Content-Length":
		default:
			ours[httpx.Spelling(name)] = values
		}
	}
	h.ResponseWriter.WriteHeader(status)
	clear(ours)
	maps.Copy(ours, kept)
}
