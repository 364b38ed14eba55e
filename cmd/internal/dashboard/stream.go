package dashboard

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
)

// maxViewers bounds the open streams.
const maxViewers = 32

// stream sends what the server does, each second, until the browser disconnects or the session ends.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request) {
	if h.viewers.Add(1) > maxViewers {
		h.viewers.Add(-1)
		w.Header().Set("Retry-After", "10")
		refuse(w, http.StatusServiceUnavailable, "too_many_viewers", fmt.Sprintf("%d pages are open; close one of them", maxViewers))
		return
	}
	defer h.viewers.Add(-1)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // for a proxy in front
	rc := http.NewResponseController(w)
	if !event(w, "hello", fmt.Appendf(nil, `{"acts":%t}`, h.sessions != nil)) {
		return
	}
	tick := time.NewTicker(rhythm)
	defer tick.Stop()
	for {
		if !h.session(r) {
			event(w, "login", []byte("{}"))
			return
		}
		name := "top"
		body, ok := h.latest.get(r.Context())
		if !ok {
			name = "gone"
		}
		if !event(w, name, body) || rc.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// event writes one; false: the client has disconnected. data is JSON, which has no line of its own when it comes from Go; another
// server's is made one line.
func event(w http.ResponseWriter, name string, data []byte) bool {
	b := make([]byte, 0, len(data)+32)
	b = append(append(append(b, "event: "...), name...), "\ndata: "...)
	b = append(append(b, bytes.ReplaceAll(data, []byte("\n"), []byte(" "))...), "\n\n"...)
	_, err := w.Write(b)
	return err == nil
}
