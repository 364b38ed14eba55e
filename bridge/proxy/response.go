package proxy

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// answered prepares the head of an upstream's response: fields that the chain has set
// already must not be there twice.
func (q *request) answered(resp *http.Response) error {
	ours := q.w.Header()
	delete(resp.Header, "X-Request-Id") // the one that the logs have
	httpx.Spell(ours, resp.Header)      // at once: ReverseProxy would spell them as net/http does

	if resp.StatusCode == http.StatusSwitchingProtocols { // the body is the connection
		q.info.Status = resp.StatusCode // ReverseProxy writes it past the Writer
		for name, values := range ours {
			resp.Header[name] = values
		}
		if rec := httpx.Find(q.w); rec != nil {
			for name, value := range rec.Defaults.Beside(resp.Header) {
				resp.Header[name] = []string{value}
			}
		}
		return nil
	}
	if resp.Header["Content-Type"] == nil {
		ours["Content-Type"] = nil // no type is invented
	}
	if rec := httpx.Find(q.w); rec != nil {
		if reason, ok := strings.CutPrefix(resp.Status, strconv.Itoa(resp.StatusCode)); ok && httpx.ValidValue(reason) {
			rec.Phrase(resp.StatusCode, strings.TrimPrefix(reason, " "))
		}
	}
	if resp.StatusCode == http.StatusResetContent { // RFC 9110 15.3.6: it has no content, and says so
		_ = resp.Body.Close()
		resp.Body, resp.ContentLength, resp.Trailer = http.NoBody, 0, nil
		resp.Header["Content-Length"] = []string{"0"}
		return nil
	}
	q.watch(resp)
	return nil
}
