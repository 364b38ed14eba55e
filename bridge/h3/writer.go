package h3

import (
	"errors"
	"net/http"
	"os"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// writer is quic-go's answer, as slow as Options.Pace allows. It leaves out fields that HTTP/3 does
// not have (RFC 9114 4.2), which quic-go would send.
type writer struct {
	inner http.ResponseWriter
	to    *http.ResponseController // inner's
	c     *conn
	head  bool // the request is a HEAD

	begun    bool
	patience httpx.Patience
}

// step is how much is written at a time: a client that takes less within its patience is too slow.
// Bytes.
const step = 16 << 10

// Header is http.ResponseWriter's.
func (w *writer) Header() http.Header { return w.inner.Header() }

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter { return w.inner }

// EnableFullDuplex does nothing: a body may always be read after the answer has begun.
func (w *writer) EnableFullDuplex() error { return nil }

// WriteHeader is http.ResponseWriter's.
func (w *writer) WriteHeader(status int) {
	if status == http.StatusSwitchingProtocols {
		status = http.StatusBadGateway // there is no such thing (RFC 9114 4.5)
	}
	h := w.inner.Header()
	for name, values := range h {
		switch name {
		case "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade":
			delete(h, name)
			continue
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				delete(h, name)
				break
			}
		}
	}
	w.inner.WriteHeader(status)
}

// Write is http.ResponseWriter's.
func (w *writer) Write(p []byte) (sent int, err error) {
	for {
		part := p[sent:min(len(p), sent+step)]
		n, err := w.paced(func() (int, error) { return w.inner.Write(part) })
		sent += n
		if err != nil || sent >= len(p) {
			return sent, err
		}
	}
}

// FlushError is for http.ResponseController.
func (w *writer) FlushError() error {
	_, err := w.paced(func() (int, error) { return 0, w.to.Flush() })
	return err
}

// paced calls f, which writes, until it succeeds, or the client was too slow. A write that has not
// ended in time is continued by the next one.
func (w *writer) paced(f func() (int, error)) (sent int, err error) {
	if !w.begun {
		w.begun = true
		w.patience.Begin(*w.c.srv.o.Pace())
	}
	if w.patience.Silence <= 0 {
		return f()
	}
	began := time.Now()
	_ = w.to.SetWriteDeadline(began.Add(w.patience.Left()))
	n, err := f()
	if !w.patience.Spend(time.Since(began), int64(n)) || errors.Is(err, os.ErrDeadlineExceeded) && n == 0 {
		w.c.srv.slowClient(w.c)
		return n, os.ErrDeadlineExceeded
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil // a part of it is on its way
	}
	return n, err
}

// finish prepares the end of the answer, which quic-go writes. false: it cannot be ended properly.
func (w *writer) finish() bool {
	if w.head && w.Header().Get("Content-Length") == "" {
		return w.FlushError() == nil // else quic-go would say that there is none
	}
	if pace := w.c.srv.o.Pace(); pace.Silence > 0 {
		_ = w.to.SetWriteDeadline(time.Now().Add(pace.Silence))
	}
	return true
}

// slowClient writes a record of a client that is too slow, at most once a minute.
func (s *Server) slowClient(c *conn) {
	if s.slow.Allow("send_timeout", time.Now()) {
		s.o.Log.Info("slow_client", "peer", c.q.RemoteAddr().String(), "reason", "send_timeout",
			"message", "an answer was ended: its client did not take it within send_timeout and min_rate (logged once a minute)")
	}
}
