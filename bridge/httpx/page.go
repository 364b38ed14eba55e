package httpx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Pages writes the error pages of standpipe: small, plain, with the request id and without
// internals. The nil *Pages has the built-in ones.
type Pages struct {
	custom map[int]page
}

type page struct {
	contentType string
	body        []byte
}

// LoadPages reads one file per status (error_page). In a file, {{request_id}} and
// {{status}} are replaced. The type follows the file's name: .json, .txt, else HTML.
func LoadPages(files map[int]string) (*Pages, error) {
	p := &Pages{custom: make(map[int]page)}
	for status, name := range files {
		if status < 400 || status > 599 {
			return nil, fmt.Errorf("error_page %d=%s: the status must be 400 to 599", status, name)
		}
		body, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("error_page %d: %w", status, err)
		}
		ct := "text/html; charset=utf-8"
		switch filepath.Ext(name) {
		case ".json":
			ct = "application/json"
		case ".txt":
			ct = "text/plain; charset=utf-8"
		}
		p.custom[status] = page{ct, body}
	}
	return p, nil
}

// Write answers with status and the page for it. text is one plain sentence for
// the client; empty: the built-in one. retryAfter is sent in whole seconds, at least 1, when
// it is above 0. Fields that are already in w.Header() are kept, but for those of a body.
func (p *Pages) Write(w http.ResponseWriter, r *http.Request, status int, text string, retryAfter time.Duration) {
	h := w.Header()
	seconds := int64(0)
	if retryAfter > 0 {
		seconds = max(1, int64((retryAfter+time.Second-1)/time.Second))
		h["Retry-After"] = []string{strconv.FormatInt(seconds, 10)}
	}
	id := Of(w).ID
	if text == "" {
		text = sentence(status)
	}
	if (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests) && seconds > 0 {
		unit := "seconds"
		if seconds == 1 {
			unit = "second"
		}
		text = fmt.Sprintf("%s Try again in %d %s.", text, seconds, unit)
	}
	pg := p.render(r, status, text, id)
	h["Content-Type"] = []string{pg.contentType}
	h["Content-Length"] = []string{strconv.Itoa(len(pg.body))}
	h["Cache-Control"] = []string{"no-store"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(pg.body) // the client may have disconnected
	}
}

func (p *Pages) render(r *http.Request, status int, text, id string) page {
	if p != nil {
		if pg, ok := p.custom[status]; ok {
			b := bytes.ReplaceAll(pg.body, []byte("{{request_id}}"), []byte(id)) // ids are [A-Za-z0-9._-]
			return page{pg.contentType, bytes.ReplaceAll(b, []byte("{{status}}"), []byte(strconv.Itoa(status)))}
		}
	}
	title := http.StatusText(status)
	if PrefersJSON(r.Header["Accept"]) {
		body, _ := json.Marshal(struct { // strings and a number: no error
			Status  int    `json:"status"`
			Error   string `json:"error"`
			Message string `json:"message"`
			ID      string `json:"request_id"`
		}{status, title, text, id})
		return page{"application/json", append(body, '\n')}
	}
	return page{"text/html; charset=utf-8", fmt.Appendf(nil, `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>%d %s</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:12vh auto;max-width:34em;padding:0 1em;color:#222}small{color:#666}</style></head>
<body><h1>%d %s</h1><p>%s</p><p><small>Request %s</small></p></body></html>
`, status, title, status, title, html.EscapeString(text), id)}
}

func sentence(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "The server could not understand this request."
	case http.StatusNotFound:
		return "There is nothing at this address."
	case http.StatusMethodNotAllowed:
		return "This method is not possible here."
	case http.StatusRequestTimeout:
		return "The request took too long to arrive."
	case http.StatusRequestEntityTooLarge:
		return "The request is larger than this server takes."
	case http.StatusRequestURITooLong:
		return "The address is too long."
	case http.StatusExpectationFailed:
		return "The request expects something that this server does not do."
	case http.StatusTooManyRequests:
		return "Too many requests."
	case http.StatusRequestHeaderFieldsTooLarge:
		return "The request has too many fields, or too large ones."
	case http.StatusNotImplemented:
		return "The request asks for something that this server does not know."
	case http.StatusHTTPVersionNotSupported:
		return "This version of HTTP is not spoken here."
	case http.StatusInternalServerError:
		return "Something went wrong here. It has been noted."
	case http.StatusBadGateway:
		return "The application crashed before responding."
	case http.StatusServiceUnavailable:
		return "Busy."
	case http.StatusGatewayTimeout:
		return "The application took too long to answer."
	case http.StatusInsufficientStorage:
		return "The server has no room for this request."
	}
	return http.StatusText(status) + "."
}
