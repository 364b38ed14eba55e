package httpx

import (
	"io"
	"net/http"
	"strconv"
)

// Writer is the one ResponseWriter wrapper of the house. It notes the status and
// counts the octets of the body, and carries the request's RequestInfo. Everything else
// (Hijack, deadlines, full duplex) is reached through Unwrap, by
// http.ResponseController.
type Writer struct {
	Info RequestInfo

	inner  http.ResponseWriter
	phrase Phraser
	wire   Wire
	lines  []byte // for the head
	status int
	bytes  int64

	conn    Connection // nil: it carries this one answer
	aborted bool
}

// Reset makes rec ready for one request. A Writer may be used again after the
// handler has returned.
func (rec *Writer) Reset(w http.ResponseWriter) {
	*rec = Writer{inner: w}
	rec.phrase, _ = w.(Phraser)
}

// Connection is a connection that carries one answer after the other.
type Connection interface {
	// EndAfter has the connection end behind the answer whose fields are h.
	EndAfter(h http.Header)
}

// Wire is a connection that can spare net/http work.
type Wire interface {
	Connection
	// Gather is called with true before a large write, so that what net/http makes
	// two calls of goes out in one, and with false after it.
	Gather(on bool)
	// Lines go out with the head of this answer as they are.
	Lines(lines []byte)
}

// Phraser sends a status line's reason phrase (RFC 9112 4).
type Phraser interface {
	// Phrase is called before WriteHeader; it holds for this answer's final head.
	Phrase(reason string)
}

// longPhrase is longer than any phrase that is one: some clients and proxies refuse a status line of several KiB. Bytes.
const longPhrase = 512

// Phrase has the answer go out with this reason phrase in place of the usual one. It is
// called before WriteHeader, with a status of three digits and a reason without control
// bytes; none, and one above longPhrase, stands for the usual one, if there is one. Where the protocol has no phrases,
// nothing happens.
func (rec *Writer) Phrase(status int, reason string) {
	if len(reason) > longPhrase {
		reason = ""
	}
	if usual := http.StatusText(status); rec.phrase != nil && (reason != usual && reason != "" || usual == "") {
		rec.phrase.Phrase(reason)
	}
}

// large is what net/http passes on to the connection's own buffer at once; octets.
// Less cannot be written in two calls.
const large = 2 << 10

// Over names the connection that rec writes to.
func (rec *Writer) Over(w Wire) {
	rec.wire, rec.conn = w, w
	rec.phrase, _ = w.(Phraser)
}

// EndConnection has the connection end behind this answer: what follows on it may be the
// rest of a request body, or cannot be told apart from one. It is called before the head
// goes out. A connection that carries one answer ends anyway.
func (rec *Writer) EndConnection() {
	if rec.conn != nil {
		rec.conn.EndAfter(rec.inner.Header())
	}
}

// Abort says that the answer cannot be ended properly: bytes of it are missing, or no
// client is left to read it. The handler returns then, and writes nothing more. The way in
// ends the connection so that the client can tell, whatever the stages in between do.
func (rec *Writer) Abort() { rec.aborted = true }

// Abort aborts the answer that w writes, if a way in of ours has made it.
func Abort(w http.ResponseWriter) {
	if rec := Find(w); rec != nil {
		rec.Abort()
	}
}

// Aborted says that Abort was called.
func (rec *Writer) Aborted() bool { return rec.aborted }

// Whole says that all bytes of the answer to r have gone out, whatever happened after them.
func (rec *Writer) Whole(r *http.Request) bool {
	if r.Method == http.MethodHead || rec.status == http.StatusNoContent || rec.status == http.StatusNotModified {
		return true
	}
	n, err := strconv.ParseInt(rec.declared(), 10, 64)
	return err == nil && rec.bytes >= n
}

// Sized says that the answer declares its length, so that a client can tell where it was
// cut off.
func (rec *Writer) Sized() bool { return rec.declared() != "" }

// declared is the answer's Content-Length in either spelling (package bridge writes the
// lower one, as net/http takes the usual one off a 304); empty: there is none.
func (rec *Writer) declared() string {
	h := rec.inner.Header()
	for _, name := range [...]string{"Content-Length", "content-length"} {
		if v := h[name]; len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

// Logged is the status of the request for logs and metrics: what was sent, else what the
// handler noted (499), else 200, which is sent for a handler that wrote nothing.
func (rec *Writer) Logged() int {
	switch {
	case rec.status != 0:
		return rec.status
	case rec.Info.Status != 0:
		return rec.Info.Status
	}
	return http.StatusOK
}

// Ready has the head, which has not been written, go out with fields that were made
// ready once: whole lines, none of which Header has; nil: with none. false: rec cannot
// do that, and the fields belong into Header. Nobody may be interposed after that.
func (rec *Writer) Ready(lines []byte) bool {
	rec.lines = nil
	if rec.wire == nil || len(lines) == 0 {
		return false
	}
	rec.lines = lines
	return true
}

// Status is the final status that was sent; 0: no head has gone out. 1xx answers
// are not final (RFC 9110 15.2), but for 101, after which HTTP is over.
func (rec *Writer) Status() int { return rec.status }

// Bytes counts the octets of the body that were handed to the connection.
func (rec *Writer) Bytes() int64 { return rec.bytes }

// Interpose puts a writer between rec and what it writes to: everybody writes to rec
// itself, whatever handlers stand in between. make gets what is there now.
func (rec *Writer) Interpose(make func(http.ResponseWriter) http.ResponseWriter) {
	rec.inner = make(rec.inner)
	rec.wire, rec.lines = nil, nil // what is interposed may flush within a write, and looks at the fields
}

// Recount corrects Bytes: what was interposed has made fewer octets of them.
func (rec *Writer) Recount(n int64) { rec.bytes = n }

// Unwrap is for http.ResponseController.
func (rec *Writer) Unwrap() http.ResponseWriter { return rec.inner }

// Header returns the fields of the answer.
func (rec *Writer) Header() http.Header { return rec.inner.Header() }

// WriteHeader sends the status.
func (rec *Writer) WriteHeader(status int) {
	if rec.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		rec.final(status)
	}
	rec.inner.WriteHeader(status)
}

// Write sends octets of the body, after status 200 when none was sent.
func (rec *Writer) Write(p []byte) (int, error) {
	rec.implicit()
	if rec.wire == nil || len(p) <= large {
		n, err := rec.inner.Write(p)
		rec.bytes += int64(n)
		return n, err
	}
	rec.wire.Gather(true)
	n, err := rec.inner.Write(p)
	rec.wire.Gather(false)
	rec.bytes += int64(n)
	return n, err
}

// WriteString spares a copy.
func (rec *Writer) WriteString(s string) (int, error) {
	rec.implicit()
	n, err := io.WriteString(rec.inner, s)
	rec.bytes += int64(n)
	return n, err
}

// ReadFrom keeps the way open for sendfile.
func (rec *Writer) ReadFrom(r io.Reader) (int64, error) {
	rec.implicit()
	n, err := io.Copy(rec.inner, r)
	rec.bytes += n
	return n, err
}

// FlushError sends what is buffered, the head too.
func (rec *Writer) FlushError() error {
	rec.implicit()
	if f, ok := rec.inner.(interface{ FlushError() error }); ok { // net/http's own: spares an allocation
		return f.FlushError()
	}
	return http.NewResponseController(rec.inner).Flush()
}

// Flush is FlushError for those who ask for an http.Flusher.
func (rec *Writer) Flush() { _ = rec.FlushError() }

func (rec *Writer) implicit() {
	if rec.status == 0 {
		rec.final(http.StatusOK)
	}
}

// final: what is written next is the head of the answer.
func (rec *Writer) final(status int) {
	rec.status = status
	if rec.lines != nil {
		rec.wire.Lines(rec.lines)
	}
}
