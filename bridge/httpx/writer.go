package httpx

import (
	"context"
	"io"
	"net/http"
	"os"
	"time"
)

// Writer is the one ResponseWriter wrapper of standpipe. It keeps the status, counts the
// bytes of the body, and carries the request's RequestInfo. Everything else (Hijack,
// deadlines, full duplex) is reached through Unwrap, by http.ResponseController.
type Writer struct {
	Info RequestInfo
	// Fields are fields of the response, beside those of Header.
	Fields FieldList
	// Defaults are the server's own fields.
	Defaults Defaults
	// Timed: the response says in Server-Timing where the time until its head went. It is set before the head is written.
	Timed bool
	// Conn is the connection; nil: it carries this one response, or is not known.
	Conn Connection

	inner  http.ResponseWriter
	phrase Phraser
	wire   Wire
	lines  []byte // for the head
	status int
	bytes  int64

	aborted bool
}

// Reset prepares rec for one request. A Writer may be used again after the handler has
// returned.
func (rec *Writer) Reset(w http.ResponseWriter) {
	*rec = Writer{inner: w, Fields: rec.Fields.again()}
	rec.phrase, _ = w.(Phraser)
}

// Connection is a connection that carries one response after the other.
type Connection interface {
	// EndAfter has the connection end after the response.
	EndAfter()
	// OnDisconnect has d told when the client disconnects; nil: no further one. d is told at
	// once if it has disconnected, and not any more after a call with nil has returned.
	OnDisconnect(d Disconnecter)
	// WaitContext is the request's context for a wait that ends before the handler returns:
	// nothing keeps it, or its channel, beyond that.
	WaitContext() context.Context
}

// Disconnecter is told that the client has disconnected.
type Disconnecter interface {
	// ClientGone is called once at most. It must not block.
	ClientGone()
}

// Wire writes heads of ours: it takes more than http.ResponseWriter has.
type Wire interface {
	Phraser
	// Lines go out unchanged with the head of this response.
	Lines(lines []byte)
	// Fields go out in this order, in front of those of Header, none of which is among
	// them. length is the Content-Length, which is not in list; -1: it is not known. The list
	// is read when the head is written.
	Fields(list []Field, length int64)
}

// Phraser sends a status line's reason phrase (RFC 9112 4).
type Phraser interface {
	// Phrase is called before WriteHeader, for the final head of this response.
	Phrase(reason string)
}

// longPhrase is longer than any real phrase: some clients and proxies refuse a status line of
// several KiB. Bytes.
const longPhrase = 512

// Phrase sets the reason phrase of the response. It is called before WriteHeader, with a
// status of three digits and a reason without control bytes. An empty reason, and one above
// longPhrase, means the usual one, if there is one. Where the protocol has no phrases, nothing
// happens.
func (rec *Writer) Phrase(status int, reason string) {
	if len(reason) > longPhrase {
		reason = ""
	}
	if usual := http.StatusText(status); rec.phrase != nil && (reason != usual && reason != "" || usual == "") {
		rec.phrase.Phrase(reason)
	}
}

// Over names the connection that rec writes to, and what writes its heads.
func (rec *Writer) Over(c Connection, w Wire) {
	rec.Conn, rec.wire, rec.phrase = c, w, w
	rec.Fields.ordered = true
}

// EndConnection has the connection end after this response: the next bytes on it may be the
// rest of a request body. It is called before the head goes out. A connection that carries
// one response ends anyway.
func (rec *Writer) EndConnection() {
	if rec.Conn != nil {
		rec.Conn.EndAfter()
	}
}

// Abort says that the response cannot be ended properly: bytes of it are missing, or no
// client is left to read it. The handler then returns and writes nothing more. The way in
// ends the connection so that the client can tell, whatever the stages in between do.
func (rec *Writer) Abort() { rec.aborted = true }

// Abort aborts the response that w writes, if a way in of ours has made it.
func Abort(w http.ResponseWriter) {
	if rec := Find(w); rec != nil {
		rec.Abort()
	}
}

// Aborted reports whether Abort was called.
func (rec *Writer) Aborted() bool { return rec.aborted }

// UseLines has the head go out with fields that were prepared as whole lines, none of which
// Header has; nil: without. It is called before the head is written. false: rec cannot do
// that, and the fields must be set in Header. Interpose must not be called afterwards.
func (rec *Writer) UseLines(lines []byte) bool {
	rec.lines = nil
	if rec.wire == nil || len(lines) == 0 {
		return false
	}
	rec.lines = lines
	return true
}

// Status is the final status that was sent; 0: no head has gone out. 1xx responses are not
// final (RFC 9110 15.2), but for 101, after which HTTP is over.
func (rec *Writer) Status() int { return rec.status }

// Bytes is how many bytes of the body were given to the connection.
func (rec *Writer) Bytes() int64 { return rec.bytes }

// Interpose puts a writer between rec and the writer that it has now, which make gets:
// handlers write to rec itself, whatever handlers are in between.
func (rec *Writer) Interpose(make func(http.ResponseWriter) http.ResponseWriter) {
	rec.inner = make(rec.inner)
	rec.wire, rec.lines, rec.Fields.ordered = nil, nil, false // an interposed writer reads the fields
}

// Recount corrects Bytes: an interposed writer has made fewer bytes of them.
func (rec *Writer) Recount(n int64) { rec.bytes = n }

// Unwrap is for http.ResponseController.
func (rec *Writer) Unwrap() http.ResponseWriter { return rec.inner }

// Header returns the fields of the response.
func (rec *Writer) Header() http.Header { return rec.inner.Header() }

// WriteHeader sends the status.
func (rec *Writer) WriteHeader(status int) {
	if rec.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		rec.final(status)
	}
	rec.inner.WriteHeader(status)
}

// Write sends bytes of the body, after status 200 when none was sent.
func (rec *Writer) Write(p []byte) (int, error) {
	rec.final(http.StatusOK)
	n, err := rec.inner.Write(p)
	rec.bytes += int64(n)
	return n, err
}

// ReadFrom lets the connection use sendfile(2).
func (rec *Writer) ReadFrom(r io.Reader) (int64, error) {
	rec.final(http.StatusOK)
	n, err := io.Copy(rec.inner, r)
	rec.bytes += n
	return n, err
}

// FlushError sends the buffered bytes, the head too.
func (rec *Writer) FlushError() error {
	rec.final(http.StatusOK)
	if f, ok := rec.inner.(interface{ FlushError() error }); ok { // saves an allocation
		return f.FlushError()
	}
	return http.NewResponseController(rec.inner).Flush()
}

// Flush is FlushError as an http.Flusher.
func (rec *Writer) Flush() { _ = rec.FlushError() }

// final is called before the final head is written, which has that status unless it was set
// before.
func (rec *Writer) final(status int) {
	if rec.status != 0 {
		return
	}
	rec.status = status
	if rec.Info.Trace != nil {
		rec.Info.Trace.Answered(time.Now())
	}
	rec.Defaults.settle(rec)
	if rec.Timed {
		tellTiming(rec, time.Now())
	}
	if rec.lines != nil {
		rec.wire.Lines(rec.lines)
	}
	if rec.Fields.ordered {
		rec.wire.Fields(rec.Fields.list, rec.Fields.known())
	}
}

// SendFile sends n bytes of f from off on as bytes of the body: with sendfile(2), where the
// connection can. It returns how many were sent: fewer without an error where the file is
// shorter. The position of f may be moved.
func (rec *Writer) SendFile(f *os.File, off, n int64) (int64, error) {
	rec.final(http.StatusOK)
	to, ok := rec.inner.(interface {
		SendFile(f *os.File, off, n int64) (int64, error)
	})
	if !ok {
		if _, err := f.Seek(off, io.SeekStart); err != nil {
			return 0, err
		}
		return rec.ReadFrom(&io.LimitedReader{R: f, N: n})
	}
	sent, err := to.SendFile(f, off, n)
	rec.bytes += sent
	return sent, err
}
