package answer

import (
	"net/http"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/target"
)

// RedirectOptions are the settings of a Redirect.
type RedirectOptions struct {
	// To makes the URL.
	To *target.Template
	// Find finds the groups that To names; nil: it names none.
	Find target.Find
	// Status is 301, 302, 303, 307 or 308.
	Status int
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
}

// Redirect sends clients to another URL.
type Redirect struct{ o RedirectOptions }

// NewRedirect makes a Redirect.
func NewRedirect(o RedirectOptions) *Redirect { return &Redirect{o} }

func (h *Redirect) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := httpx.Of(w)
	n.Source = "server"
	parts, ok := target.PartsOf(r, n, h.o.Find)
	parts.Path = n.Prefix + parts.Path // as the client sees it
	to := ""
	if ok {
		to, ok = h.o.To.URL(&parts)
	}
	if !ok { // a request of HTTP/1.0 need not name a host
		h.o.Pages.Write(w, r, http.StatusBadRequest, "", 0)
		return
	}
	f := w.Header()
	f["Location"] = []string{to}
	f["Content-Length"] = []string{"0"}
	w.WriteHeader(h.o.Status)
}
