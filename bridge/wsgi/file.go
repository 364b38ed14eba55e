package wsgi

import (
	"net/http"
	"strings"

	"github.com/standpipe/standpipe/bridge/content"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// passFile sends the file that an app gave to wsgi.file_wrapper. The worker is
// let go first, however long the client takes.
func (p *response) passFile(a *attempt, raw *wire.Head, h head, f *shim.File) error {
	defer f.Close()
	a.begin()
	a.close()
	declared := f.Length
	if h.length >= 0 { // a smaller one is the app's way to give a part of its file
		declared = h.length
	}
	p.setMap(raw.Fields)
	send := fileAnswer{p, raw, h, content.File{File: f.File, Offset: f.Offset, SharedPosition: f.SharedPosition}, min(declared, f.Length)}
	return send.pass(declared)
}

// fileAnswer is an answer whose body is a file; the fields of the response are set.
type fileAnswer struct {
	p    *response
	raw  *wire.Head
	head head
	file content.File
	size int64 // bytes of file that are the body
}

// pass answers with declared bytes, of which the file has size. For a GET answered 200
// ranges are served.
func (f *fileAnswer) pass(declared int64) error {
	p, status := f.p, f.head.status
	if status == http.StatusOK && declared == f.size && f.raw.Get("Content-Range") == "" {
		if done, err := f.passRanges(); done {
			return err
		}
	}
	if status == http.StatusResetContent { // RFC 9110 15.3.6
		declared = 0
	}
	if status != http.StatusNoContent { // RFC 9110 8.6
		p.setLength(declared)
	}
	p.writeHead(f.head)
	if !p.hasBody(status) {
		return nil
	}
	err := f.send(content.Span{Length: f.size})
	if err == nil && f.size < declared {
		p.log.lengthMismatch(declared, f.size, "the file is shorter than its Content-Length: the connection was closed, so that the client can tell")
		err = errShort
	}
	return f.cut(err)
}

// passRanges answers a request for ranges; done: it did.
func (f *fileAnswer) passRanges() (done bool, err error) {
	accepts := f.raw.Get("Accept-Ranges")
	if accepts == "" {
		f.p.w.Header()["Accept-Ranges"] = []string{"bytes"}
	}
	if strings.EqualFold(accepts, "none") {
		return false, nil
	}
	fields := fieldsOf(f.p.w)
	spans, err := content.ValidatorsOf(fields.get).Ranges(f.p.r, f.size)
	switch {
	case err != nil: // RFC 9110 15.5.17
		fields.drop("Content-Type", "Content-Encoding", "ETag", "Last-Modified", "Content-Disposition")
		content.RefuseRanges(f.p.w.Header(), f.size)
		f.p.w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		return true, nil
	case len(spans) == 0:
		return false, nil
	}
	kind := fields.get("Content-Type")
	if len(spans) > 1 {
		fields.drop("Content-Type")
	}
	return true, f.cut(content.WriteParts(f.p.w, kind, f.size, spans, func(s content.Span, _ bool) error { return f.send(s) }))
}

// cut is cut, with what is buffered sent first.
func (f *fileAnswer) cut(err error) error {
	if err != nil {
		f.p.flush()
	}
	return cut(err)
}

// send sends a part of the file. errShort: the file has become shorter; the log has it.
func (f *fileAnswer) send(s content.Span) error {
	sent, err := f.file.SendTo(f.p.w, s)
	if err == content.ErrShort {
		f.p.log.lengthMismatch(s.Length, sent, "the file has become shorter: the connection was closed, so that the client can tell")
		return errShort
	}
	return err
}

// fields are those of an answer, in the app's spelling.
type fields http.Header

func fieldsOf(w http.ResponseWriter) fields { return fields(w.Header()) }

// get returns the field of that name in any spelling; empty: none.
func (f fields) get(name string) string {
	for key, values := range f {
		if len(values) > 0 && strings.EqualFold(key, name) {
			return values[0]
		}
	}
	return ""
}

// drop takes fields out, however they are spelled.
func (f fields) drop(names ...string) {
	for key := range f {
		for _, name := range names {
			if strings.EqualFold(key, name) {
				delete(f, key)
			}
		}
	}
}
