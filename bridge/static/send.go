package static

import (
	"errors"
	"net/http"
	"time"

	"github.com/standpipe/standpipe/bridge/content"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// errChanged: the file is not what was known of it, and nothing has been sent.
var errChanged = errors.New("the file has changed")

// answer is one answer for one file.
type answer struct {
	h *Handler
	w *httpx.Writer
	r *http.Request
	representation
}

// send answers with a file. errChanged and other errors come before anything has gone
// out. An answer that cannot be ended properly is aborted.
func (h *Handler) send(w http.ResponseWriter, r *http.Request, s *openMount, f *file) error {
	rec := httpx.Find(w)
	if rec == nil { // used without the chain
		rec = new(httpx.Writer)
		rec.Reset(w)
	}
	a := answer{h: h, w: rec, r: r, representation: representation{known: f}}
	if f.mayCompress {
		a.variant = h.represent(s, f, r)
	}
	status, spans := a.judge(r)
	src, err := a.source(status)
	if err != nil {
		return err
	}
	rec.Info.App, rec.Info.Source = h.App, "static"
	switch status {
	case http.StatusRequestedRangeNotSatisfiable, http.StatusPreconditionFailed:
		a.refuse(status)
	case http.StatusNotModified: // no field of the body (RFC 9110 15.4.5)
		a.setFields(status)
		rec.WriteHeader(status)
	case http.StatusPartialContent:
		a.setFields(status)
		a.sendSpans(src, spans)
	default:
		a.setFields(status)
		a.sendWhole(src)
	}
	return nil
}

// setFields sets the fields of an answer with that status, but for those of its length.
func (a *answer) setFields(status int) {
	fields := a.w.Header()
	if !a.w.UseLines(a.prepared().lines(status)) {
		a.known.setKnown(fields, a.variant)
		if status != http.StatusNotModified {
			a.known.setWhole(fields, a.variant)
		}
	}
	if a.known.expires > 0 {
		fields["Expires"] = []string{time.Now().Add(a.known.expires).UTC().Format(http.TimeFormat)}
	}
	if status != http.StatusNotModified {
		fields["Content-Type"] = a.known.kindField
	}
}

// sendWhole answers 200.
func (a *answer) sendWhole(src *source) {
	a.w.Header()["Content-Length"] = a.lengthField()
	a.w.WriteHeader(http.StatusOK)
	if src != nil { // none for HEAD
		a.finish(src, a.copy(src, content.Span{Length: a.size()}, true))
	}
}

// sendSpans answers 206.
func (a *answer) sendSpans(src *source, spans []content.Span) {
	fields := a.w.Header()
	delete(fields, "Accept-Ranges") // the status says it
	err := content.WriteParts(a.w, a.known.kindField[0], a.size(), spans, func(s content.Span, last bool) error {
		return a.copy(src, s, last)
	})
	a.finish(src, err)
}

// refuse answers 412 or 416 without a body.
func (a *answer) refuse(status int) {
	fields := a.w.Header()
	fields["X-Content-Type-Options"] = nosniffField
	if a.known.mayCompress {
		fields["Vary"] = varyField
	}
	fields["Content-Length"] = []string{"0"}
	fields["Content-Type"] = nil
	if status == http.StatusRequestedRangeNotSatisfiable {
		content.RefuseRanges(fields, a.size())
	}
	fields["Cache-Control"] = []string{"no-store"}
	a.w.WriteHeader(status)
}
