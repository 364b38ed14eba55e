package proxy

import (
	"maps"
	"net/http"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// head is the ResponseWriter that ReverseProxy writes an answer's head to. It keeps the upstream's fields apart from the
// chain's until the head goes out: ReverseProxy empties the map after each informational answer. The trailers are set
// after the head, on the client's own map.
type head struct {
	http.ResponseWriter
	t      *turn
	fields http.Header // of the upstream's answer
	sent   bool
}

// Unwrap is for http.ResponseController.
func (h *head) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// Header is asked for by ReverseProxy before it adds fields, and, for an upgraded connection, once more before it writes
// them by itself.
func (h *head) Header() http.Header {
	if h.sent {
		return h.ResponseWriter.Header()
	}
	if h.fields == nil {
		h.fields = make(http.Header)
	}
	httpx.Spell(h.fields, h.fields)
	return h.fields
}

func (h *head) WriteHeader(status int) {
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

// inform hands on an informational answer, but for what HTTP/1.0 does not know (RFC 9110 15.2), and 100: the server
// itself says that when the body is read.
func (h *head) inform(status int) {
	if status == http.StatusContinue || !h.t.r.ProtoAtLeast(1, 1) {
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
