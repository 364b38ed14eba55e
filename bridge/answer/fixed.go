package answer

import (
	"net/http"
	"strconv"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// NoAnswer is the status that closes the connection without an answer, as in nginx.
const NoAnswer = 444

// FixedOptions are the settings of a Fixed.
type FixedOptions struct {
	// Status is that of the answer; NoAnswer: there is none.
	Status int
	// Body is the text; nil: the error page of a status from 400, else nothing.
	Body []byte
	// Type is the media type of Body.
	Type string
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
}

// Fixed gives every request the same answer.
type Fixed struct {
	o      FixedOptions
	length string
}

// NewFixed makes a Fixed.
func NewFixed(o FixedOptions) *Fixed { return &Fixed{o, strconv.Itoa(len(o.Body))} }

func (h *Fixed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := httpx.Of(w)
	n.Source = "server"
	o := &h.o
	switch {
	case o.Status == NoAnswer:
		n.Status = NoAnswer
		httpx.Abort(w)
		return
	case o.Body == nil && o.Status >= 400:
		o.Pages.Write(w, r, o.Status, "", 0)
		return
	}
	f := w.Header()
	if o.Status != http.StatusNoContent { // RFC 9110 8.6
		f["Content-Length"] = []string{h.length}
	}
	f["Content-Type"] = nil
	if o.Body != nil {
		f["Content-Type"] = []string{o.Type}
		f["X-Content-Type-Options"] = []string{"nosniff"}
	}
	w.WriteHeader(o.Status)
	if r.Method != http.MethodHead && len(o.Body) > 0 {
		_, _ = w.Write(o.Body) // the client may have disconnected
	}
}
