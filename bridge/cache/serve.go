package cache

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/content"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// answer answers with a stored answer.
func (rq *request) answer(a *Answer, o outcome, report rules.Report) {
	rq.count(o)
	w := rq.w
	info := &w.Info
	info.App = rq.s.app()
	if info.Source == "" || o != revalidated {
		info.Source = "cache"
	}
	a.use.hits.Add(1)
	status, spans := a.judge(rq.r)
	h := head{status: a.Status, fields: a.Fields, length: a.Body.Size()}
	age := a.Terms.Age(rq.now)
	var err error
	switch status {
	case http.StatusNotModified:
		a.writeHead(w, status, &h, -1, age, report)
	case http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
		a.refuse(w, status, report)
	case http.StatusPartialContent:
		err = a.sendSpans(w, &h, spans, age, report)
	default:
		length := h.length
		if !bodied(a.Status) {
			length = -1
		}
		a.writeHead(w, a.Status, &h, length, age, report)
		if rq.r.Method != http.MethodHead && h.length > 0 && bodied(a.Status) {
			err = a.Body.sendTo(w, content.Span{Length: h.length})
		}
	}
	if err != nil {
		info.Err = err
		_ = w.FlushError()
		w.Abort()
	}
}

// writeHead writes the head of a response: that of a plain hit is prepared.
func (a *Answer) writeHead(w *httpx.Writer, status int, h *head, length int64, age time.Duration, report rules.Report) {
	if plain := (rules.Report{Hit: true, TTL: report.TTL}); report != plain || !a.head.write(w, status, length, age, report.TTL) {
		writeHead(w, status, h, length, age, report)
	}
}

// judge is the status that answers r, and the parts of a 206.
func (a *Answer) judge(r *http.Request) (status int, spans []content.Span) {
	if a.Status != http.StatusOK { // RFC 9110 13.2.1, 14.2
		return a.Status, nil
	}
	v := content.Validators{ETag: a.Terms.ETag}
	h := r.Header
	if h["If-Modified-Since"] != nil || h["If-Unmodified-Since"] != nil {
		v.Modified = a.Terms.Modified()
	}
	if status := v.Evaluate(h); status != 0 {
		return status, nil
	}
	if h["Range"] == nil {
		return a.Status, nil
	}
	v.Modified = time.Time{}
	if a.Terms.LastModified != "" {
		v.Modified = a.Terms.Modified()
	}
	spans, err := v.Ranges(r, a.Body.Size())
	switch {
	case err != nil:
		return http.StatusRequestedRangeNotSatisfiable, nil
	case len(spans) > 0:
		return http.StatusPartialContent, spans
	}
	return a.Status, nil
}

// refuse answers 412 or 416.
func (a *Answer) refuse(w *httpx.Writer, status int, report rules.Report) {
	h := w.Header()
	h["Content-Length"] = []string{"0"}
	h["Cache-Control"] = []string{"no-store"}
	h["Cache-Status"] = []string{rules.Status(report)}
	if status == http.StatusRequestedRangeNotSatisfiable {
		content.RefuseRanges(h, a.Body.Size())
	}
	w.WriteHeader(status)
}

// sendSpans answers 206.
func (a *Answer) sendSpans(w *httpx.Writer, h *head, spans []content.Span, age time.Duration, report rules.Report) error {
	kind := ""
	fields := make([]httpx.Field, 0, len(h.fields))
	for _, f := range h.fields {
		if strings.EqualFold(f.Name, "Content-Type") {
			kind = f.Value
			if len(spans) > 1 {
				continue
			}
		}
		fields = append(fields, f)
	}
	setHead(w, &head{fields: fields}, -1, age, report)
	return content.WriteParts(w, kind, h.length, spans, func(s content.Span, _ bool) error { return a.Body.sendTo(w, s) })
}

// sendTo sends a part of the body.
func (b *Body) sendTo(w *httpx.Writer, s content.Span) error {
	n, err := b.SendTo(w, s)
	if err == nil && n < s.Length {
		err = content.ErrShort
	}
	return err
}

// writeHead writes the head of a response; length -1: it has no Content-Length, age negative: no Age.
func writeHead(w *httpx.Writer, status int, h *head, length int64, age time.Duration, report rules.Report) {
	if status == http.StatusNotModified && h.status != status {
		h = &head{fields: withoutContent(h.fields)}
	}
	setHead(w, h, length, age, report)
	if h.phrased {
		w.Phrase(status, h.phrase)
	}
	w.WriteHeader(status)
}

// setHead sets the fields of a response.
func setHead(w *httpx.Writer, h *head, length int64, age time.Duration, report rules.Report) {
	line := rules.Status(report)
	if w.Fields.Ordered() {
		for i := range h.fields {
			w.Fields.Add(h.fields[i].Name, h.fields[i].Value)
		}
		if age >= 0 {
			w.Fields.Add("Age", strconv.FormatInt(int64(age/time.Second), 10))
		}
		w.Fields.Add("Cache-Status", line)
		if length >= 0 {
			w.Fields.SetLength(length)
		}
		return
	}
	fields := w.Header()
	for name, values := range h.header() {
		fields[name] = values
	}
	if age >= 0 {
		fields["Age"] = []string{strconv.FormatInt(int64(age/time.Second), 10)}
	}
	fields["Cache-Status"] = append(fields["Cache-Status"][:len(fields["Cache-Status"]):len(fields["Cache-Status"])], line)
	if length >= 0 {
		fields["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	}
}

// withoutContent are the fields of a 304 (RFC 9110 15.4.5).
func withoutContent(fields []httpx.Field) []httpx.Field {
	kept := make([]httpx.Field, 0, len(fields))
	for _, f := range fields {
		if len(f.Name) > 8 && strings.EqualFold(f.Name[:8], "Content-") && !strings.EqualFold(f.Name, "Content-Location") && !strings.EqualFold(f.Name, "Content-Security-Policy") {
			continue
		}
		kept = append(kept, f)
	}
	return kept
}

// refuse answers 504: the client wants a stored answer, and there is none (RFC 9111 5.2.1.7).
func (rq *request) refuse() {
	rq.count(pass)
	info := &rq.w.Info
	info.App, info.Source = rq.s.app(), "cache"
	rq.w.Header()["Cache-Status"] = []string{"standpipe"}
	rq.s.o.Pages.Write(rq.w, rq.r, http.StatusGatewayTimeout, "The cache has no answer to this request, and the client wants one from there only.", 0)
}
