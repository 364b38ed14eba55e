package devpage

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Changes knows the versions of apps' code.
type Changes interface {
	// Version is a number that changes with the code of an app; waits: new code is being loaded. changed is closed when one of them changes;
	// nil: the app is not watched, and never changes.
	Version(app string) (version int, waits bool, changed <-chan struct{})
}

// Options are the settings of the development mode's pages.
type Options struct {
	// Token is asked of clients; empty: clients of this machine see details.
	Token string
	// Names are hosts that lead to this machine, in lower case, beside those of loopback.
	Names []string
	// Changes are those of the apps' code.
	Changes Changes
	// Files tell of changed files that browsers have loaded; nil: nothing does.
	Files *Files
	// Done is closed when the server stops.
	Done <-chan struct{}
}

// Pages answers requests that have failed.
type Pages struct {
	guard  guard
	events events
}

// New makes the Pages of a server.
func New(o Options) *Pages {
	return &Pages{guard: guard{token: o.Token, names: o.Names}, events: newEvents(o)}
}

// Write answers with a Report, in the form that the client wants: HTML for browsers, JSON where that is preferred, else text. Clients that
// must not see details get the same as in production, and a sentence; then Write returns that sentence and has answered nothing.
func (p *Pages) Write(w http.ResponseWriter, r *http.Request, report *Report) (refused string) {
	if ok, why := p.guard.allows(w, r); !ok {
		return "The details are in the log; for the browser: " + why + "."
	}
	h := w.Header()
	var body []byte
	switch form(r) {
	case formJSON:
		body = report.json(httpx.Of(w).ID)
		h["Content-Type"] = []string{"application/json"}
	case formHTML:
		body = report.html(r, httpx.Of(w).ID, p.events.url(report.App))
		h["Content-Type"] = []string{"text/html; charset=utf-8"}
		h["Content-Security-Policy"] = []string{policy}
	default:
		body = report.text(r, httpx.Of(w).ID)
		h["Content-Type"] = []string{"text/plain; charset=utf-8"}
	}
	h["Vary"] = append(h["Vary"], "Accept")
	protect(h)
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(report.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client may have disconnected
	}
	return ""
}

// protect sets the fields of all answers that other sites must not read.
func protect(h http.Header) {
	h["Cache-Control"] = []string{"no-store"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	h["X-Frame-Options"] = []string{"DENY"}
	h["Referrer-Policy"] = []string{"no-referrer"}
	h["Cross-Origin-Resource-Policy"] = []string{"same-origin"}
}

const (
	formText = iota
	formHTML
	formJSON
)

// form is what a client wants. Browsers name HTML when a person opens a page; fetch and curl name nothing.
func form(r *http.Request) int {
	accept := r.Header["Accept"]
	switch {
	case httpx.PrefersJSON(accept):
		return formJSON
	case strings.Contains(strings.ToLower(strings.Join(accept, ",")), "text/html") && httpx.AcceptsHTML(accept) && r.Header.Get("X-Requested-With") == "":
		return formHTML
	}
	return formText
}

// answer is a short text.
func answer(w http.ResponseWriter, r *http.Request, status int, text string) {
	h := w.Header()
	h["Content-Type"] = []string{"text/plain; charset=utf-8"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	h["Content-Length"] = []string{strconv.Itoa(len(text))}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(text))
	}
}
