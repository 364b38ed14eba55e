package httpx

import (
	"net/http"
	"strconv"
)

// LoggedStatus is the status of a request for logs and metrics: the one that was sent, else
// the one that the handler set for the log (499), else 200, which is sent for a handler that
// wrote nothing.
func LoggedStatus(rec *Writer) int {
	switch {
	case rec.status != 0:
		return rec.status
	case rec.Info.Status != 0:
		return rec.Info.Status
	}
	return http.StatusOK
}

// Complete reports whether all bytes of the response to r have gone out, whatever happened
// after them.
func Complete(rec *Writer, r *http.Request) bool {
	if r.Method == http.MethodHead || rec.status == http.StatusNoContent || rec.status == http.StatusNotModified {
		return true
	}
	n := declared(rec)
	return n >= 0 && rec.bytes >= n
}

// declared is the response's Content-Length; -1: there is none.
func declared(rec *Writer) int64 {
	if rec.Fields.sized {
		return rec.Fields.length
	}
	if v := rec.inner.Header()["Content-Length"]; len(v) > 0 {
		if n, err := strconv.ParseInt(v[0], 10, 64); err == nil {
			return n
		}
	}
	return -1
}
