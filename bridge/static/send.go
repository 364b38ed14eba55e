package static

import (
	"errors"
	"net/http"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// mostSpans bounds the parts of one answer; who asks for more, or for parts that
// overlap, gets the whole (RFC 9110 14.2).
const mostSpans = 16

// errChanged: the file is not what was known of it, and nothing has been sent.
var errChanged = errors.New("the file has changed")

// answer is one answer for one file.
type answer struct {
	h     *Handler
	w     *httpx.Writer
	r     *http.Request
	known *file
	f     *file // whose octets go out: known, or its sibling
	body  []byte
}

// send answers with a file. errChanged and other errors come before anything has gone
// out; an answer that cannot be ended properly is aborted.
func (h *Handler) send(w http.ResponseWriter, r *http.Request, s *seat, f *file) error {
	rec := httpx.Find(w)
	if rec == nil { // used without the chain
		rec = new(httpx.Writer)
		rec.Reset(w)
	}
	v := (*variant)(nil)
	if f.mayPress {
		v = h.represent(s, f, r)
	}
	a := answer{h: h, w: rec, r: r, known: f, f: f}
	tag, lengthField := f.tag, f.lengthField
	plain := v == nil || v.file != nil // ranges of it can be had
	if v != nil {
		tag, lengthField = v.tag, v.lengthField
		if v.file != nil {
			a.f = v.file
		} else {
			a.body = v.body
		}
	}
	valid := httpx.Validators{ETag: tag, Modified: f.modified, Weakened: f.mayPress}
	if v != nil && v.file == nil {
		// If-Match names the file, whose tag went out in both forms.
		valid.ETag = f.tag
	}
	status := 0
	if known := r.Header["If-None-Match"]; len(known) == 1 && known[0] == tag && r.Header["If-Match"] == nil && r.Header["If-Unmodified-Since"] == nil {
		status = http.StatusNotModified // as Judge would say
	} else if conditional(r.Header) {
		status = valid.Judge(r.Header)
	}
	var spans []httpx.Span
	if status == 0 {
		status = http.StatusOK
		if plain && r.Method == http.MethodGet && len(r.Header["Range"]) > 0 && valid.RangeHolds(r.Header.Get("If-Range")) {
			var err error
			if spans, err = httpx.ParseRange(r.Header["Range"][0], a.f.size, mostSpans); err != nil {
				status = http.StatusRequestedRangeNotSatisfiable
			} else if len(spans) > 0 && apart(spans) {
				status = http.StatusPartialContent
			}
		}
	}
	src, err := a.source(status)
	if err != nil {
		return err
	}
	n := &rec.Info
	n.App, n.Source = h.App, "static"
	fields := rec.Header()
	if status == http.StatusRequestedRangeNotSatisfiable || status == http.StatusPreconditionFailed {
		a.refuse(status)
		return nil
	}
	rd := &f.ready
	if v != nil {
		rd = &v.ready
	}
	if !rec.Ready(rd.lines(status)) {
		f.setKnown(fields, v)
		if status != http.StatusNotModified {
			f.setWhole(fields, v)
		}
	}
	if f.expires > 0 {
		fields["Expires"] = []string{time.Now().Add(f.expires).UTC().Format(http.TimeFormat)}
	}
	if status == http.StatusNotModified { // no field of the body (RFC 9110 15.4.5)
		rec.WriteHeader(status)
		return nil
	}
	fields["Content-Type"] = f.kindField
	if status == http.StatusPartialContent { // which says that ranges are accepted
		delete(fields, "Accept-Ranges")
		a.sendSpans(src, spans)
		return nil
	}
	fields["Content-Length"] = lengthField
	rec.WriteHeader(status)
	if r.Method != http.MethodHead {
		a.finish(src, a.copy(src, httpx.Span{Length: a.length()}, true))
	}
	return nil
}

// conditional spares the evaluation of what is not there.
func conditional(h http.Header) bool {
	return h["If-None-Match"] != nil || h["If-Modified-Since"] != nil || h["If-Match"] != nil || h["If-Unmodified-Since"] != nil
}

func (a *answer) length() int64 {
	if a.body != nil {
		return int64(len(a.body))
	}
	return a.f.size
}

// refuse answers 412 or 416 without a body.
func (a *answer) refuse(status int) {
	fields := a.w.Header()
	fields["X-Content-Type-Options"] = nosniffField
	if a.known.mayPress {
		fields["Vary"] = varyField
	}
	if status == http.StatusRequestedRangeNotSatisfiable {
		fields["Content-Range"] = []string{"bytes */" + a.f.lengthField[0]}
	}
	fields["Content-Length"] = []string{"0"}
	fields["Content-Type"] = nil
	fields["Cache-Control"] = []string{"no-store"}
	a.w.WriteHeader(status)
}
