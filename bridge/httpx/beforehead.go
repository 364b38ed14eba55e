package httpx

import (
	"io"
	"net/http"
)

// BeforeHead has see called once with the status and the fields of the response of rec before its final head goes out; it may
// change the fields. Informational responses stay as they are, and so does a 101, whose fields belong to the protocol that
// begins: see is not called for them.
func BeforeHead(rec *Writer, see func(status int, h http.Header)) {
	rec.Interpose(func(inner http.ResponseWriter) http.ResponseWriter { return &headWatcher{inner, see} })
}

// headWatcher is between a Writer and the connection.
type headWatcher struct {
	http.ResponseWriter
	see func(status int, h http.Header) // nil: it was called
}

// WriteHeader sends the status.
func (w *headWatcher) WriteHeader(status int) {
	if status >= 200 {
		w.final(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *headWatcher) final(status int) {
	if w.see != nil {
		w.see(status, w.Header())
		w.see = nil
	}
}

// Write sends bytes of the body.
func (w *headWatcher) Write(p []byte) (int, error) {
	w.final(http.StatusOK)
	return w.ResponseWriter.Write(p)
}

// ReadFrom keeps the way open for sendfile.
func (w *headWatcher) ReadFrom(r io.Reader) (int64, error) {
	w.final(http.StatusOK)
	return io.Copy(w.ResponseWriter, r)
}

// FlushError sends the buffered bytes, the head too.
func (w *headWatcher) FlushError() error {
	w.final(http.StatusOK)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (w *headWatcher) Unwrap() http.ResponseWriter { return w.ResponseWriter }
