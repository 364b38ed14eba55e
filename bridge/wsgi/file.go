package wsgi

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/standpipe/standpipe/bridge/content"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// answerPassed sends the file that an app gave to wsgi.file_wrapper. The worker is
// let go first, however long the client takes.
func (t *turn) answerPassed(c *clock, x *shim.Exchange, raw *wire.Head, h head, f *shim.File, err error) error {
	if err != nil {
		return err
	}
	defer f.Close()
	if !c.stop() {
		return context.Canceled
	}
	t.close(x)
	declared := f.Length
	if h.length >= 0 { // a smaller one is the app's way to give a part of its file
		declared = h.length
	}
	t.setFields(raw.Fields, h.status)
	return t.sendContent(raw, h, declared, content.File{File: f.File, Offset: f.Offset, Shared: f.Shared}, min(declared, f.Length))
}

// sendContent answers with declared bytes, of which f has size; fields are set. For a GET
// answered 200 ranges are served.
func (t *turn) sendContent(raw *wire.Head, checked head, declared int64, f content.File, size int64) error {
	status := checked.status
	if status == http.StatusOK && declared == size && raw.Get("Content-Range") == "" {
		if raw.Get("Accept-Ranges") == "" {
			t.w.Header()["Accept-Ranges"] = []string{"bytes"}
		}
		if !strings.EqualFold(raw.Get("Accept-Ranges"), "none") {
			spans, err := content.ValidatorsOf(t.header).Ranges(t.r, size)
			switch {
			case err != nil:
				t.refuseRange(size)
				return nil
			case len(spans) > 0:
				return t.sendSpans(f, size, spans)
			}
		}
	}
	if status == http.StatusResetContent { // RFC 9110 15.3.6
		declared = 0
	}
	if status != http.StatusNoContent { // RFC 9110 8.6
		t.setLength(status, declared, "")
	}
	t.writeHead(checked)
	if !t.hasBody(status) {
		return nil
	}
	err := t.copyFile(f, content.Span{Length: size})
	if err == nil && size < declared {
		t.sayLength(declared, size, "the file is shorter: the connection was closed, so that the client can tell")
		err = errShort
	}
	return t.cut(err)
}

func (t *turn) cut(err error) error {
	if err != nil {
		t.flush()
		return fmt.Errorf("%w: %w", errCut, err)
	}
	return nil
}

// refuseRange: RFC 9110 15.5.17.
func (t *turn) refuseRange(size int64) {
	for _, name := range []string{"Content-Type", "Content-Encoding", "ETag", "Last-Modified", "Content-Disposition"} {
		t.drop(name)
	}
	content.RefuseRanges(t.w.Header(), size)
	t.w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
}

// sendSpans answers 206.
func (t *turn) sendSpans(f content.File, size int64, spans []content.Span) error {
	kind := t.header("Content-Type")
	if len(spans) > 1 {
		t.drop("Content-Type")
	}
	return t.cut(content.WriteParts(t.w, kind, size, spans, func(s content.Span, _ bool) error { return t.copyFile(f, s) }))
}

// copyFile sends a part of f. errShort: the file has become shorter; the log has it.
func (t *turn) copyFile(f content.File, s content.Span) error {
	sent, err := f.SendTo(t.w, s)
	if err == content.ErrShort {
		t.sayLength(s.Length, sent, "the file has become shorter: the connection was closed, so that the client can tell")
		return errShort
	}
	return err
}

// header is the answer's field of that name in any spelling; empty: none.
func (t *turn) header(name string) string {
	for key, values := range t.w.Header() {
		if len(values) > 0 && strings.EqualFold(key, name) {
			return values[0]
		}
	}
	return ""
}

// drop takes a field out of the answer, however it is spelled.
func (t *turn) drop(name string) {
	h := t.w.Header()
	for key := range h {
		if strings.EqualFold(key, name) {
			delete(h, key)
		}
	}
}
