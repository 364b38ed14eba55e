package bridge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// filePiece is how much of a file goes in one call; bytes.
const filePiece = 4 << 20

// maxSpans bounds the parts of one answer. Who asks for more gets the whole.
const maxSpans = 64

// content is a part of a file that is to be sent.
type content struct {
	file         *os.File
	offset, size int64
	shared       bool // its position is not ours: no sendfile
}

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
	return t.sendContent(raw, h, declared, content{f.File, f.Offset, min(declared, f.Length), f.Shared})
}

// sendContent answers with declared octets, of which c has the first; fields are
// set. For a GET answered 200 ranges are served.
func (t *turn) sendContent(raw *wire.Head, checked head, declared int64, c content) error {
	status := checked.status
	hasRange := raw.Get("Content-Range") != ""
	var spans []httpx.Span
	if status == http.StatusOK && !hasRange && declared == c.size {
		if raw.Get("Accept-Ranges") == "" {
			t.w.Header()["Accept-Ranges"] = []string{"bytes"}
		}
		if field := t.r.Header.Get("Range"); field != "" && t.r.Method == http.MethodGet && !strings.EqualFold(raw.Get("Accept-Ranges"), "none") &&
			httpx.ValidatorsOf(t.header).RangeHolds(t.r.Header.Get("If-Range")) {
			var err error
			if spans, err = httpx.ParseRange(field, c.size, maxSpans); err != nil {
				t.refuseRange(c.size)
				return nil
			}
		}
	}
	if len(spans) > 0 {
		return t.sendSpans(c, spans)
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
	err := t.copyFile(c, httpx.Span{Start: 0, Length: c.size})
	if err == nil && c.size < declared {
		t.sayLength(declared, c.size, "the file is shorter: the connection was closed, so that the client can tell")
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
	h := t.w.Header()
	h["Content-Type"] = nil
	h["Content-Range"] = []string{"bytes */" + strconv.FormatInt(size, 10)}
	h["Content-Length"] = []string{"0"}
	t.w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
}

// sendSpans answers 206: one part as it is, more as multipart/byteranges (RFC 9110
// 14.6).
func (t *turn) sendSpans(c content, spans []httpx.Span) error {
	h := t.w.Header()
	if len(spans) == 1 {
		h["Content-Range"] = []string{spans[0].ContentRange(c.size)}
		t.setLength(http.StatusPartialContent, spans[0].Length, "")
		t.w.WriteHeader(http.StatusPartialContent)
		return t.cut(t.copyFile(c, spans[0]))
	}
	boundary := rand.Text()
	heads := make([]string, len(spans))
	end := "\r\n--" + boundary + "--\r\n"
	length := int64(len(end))
	kind := t.header("Content-Type")
	for i, s := range spans {
		if i > 0 {
			heads[i] = "\r\n"
		}
		heads[i] += "--" + boundary + "\r\n"
		if kind != "" {
			heads[i] += "Content-Type: " + kind + "\r\n"
		}
		heads[i] += "Content-Range: " + s.ContentRange(c.size) + "\r\n\r\n"
		length += int64(len(heads[i])) + s.Length
	}
	t.drop("Content-Type")
	h["Content-Type"] = []string{"multipart/byteranges; boundary=" + boundary}
	t.setLength(http.StatusPartialContent, length, "")
	t.w.WriteHeader(http.StatusPartialContent)
	for i, s := range spans {
		if err := t.write([]byte(heads[i]), false); err != nil {
			return t.cut(err)
		}
		if err := t.copyFile(c, s); err != nil {
			return t.cut(err)
		}
	}
	return t.cut(t.write([]byte(end), false))
}

// copyFile sends a part of c: by sendfile(2), where the connection and the file
// can. errShort: the file has become shorter.
func (t *turn) copyFile(c content, s httpx.Span) error {
	off, left := c.offset+s.Start, s.Length
	if !c.shared {
		if _, err := c.file.Seek(off, io.SeekStart); err != nil {
			return err
		}
	}
	for left > 0 {
		want := min(left, filePiece)
		var src io.Reader = &io.LimitedReader{R: c.file, N: want}
		if c.shared {
			src = struct{ io.Reader }{io.NewSectionReader(spool.DiskFile{File: c.file}, off, want)}
		}
		n, err := t.w.ReadFrom(src)
		off, left = off+n, left-n
		switch {
		case err == nil && n < want:
			t.sayLength(s.Length, s.Length-left, "the file has become shorter: the connection was closed, so that the client can tell")
			return errShort
		case err != nil && t.r.Context().Err() == nil && isFileError(err):
			return err
		case err != nil:
			return fmt.Errorf("%w: %w", httpx.ErrClientGone, err)
		}
	}
	return nil
}

// isFileError tells a file that cannot be read from a client that has left.
func isFileError(err error) bool {
	var pe *os.PathError
	return errors.As(err, &pe)
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
