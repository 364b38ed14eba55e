package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
)

// Refused reports whether err means that there was no connection, so that nothing was sent.
func Refused(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// NotTaken reports whether err means that the server has refused the request before any part
// of it ran, so that another one may be asked.
func NotTaken(err error) bool {
	var refusal interface{ NotTaken() bool }
	return Refused(err) || errors.As(err, &refusal) && refusal.NotTaken()
}

// OfRequest reports whether err is the request's fault, so that it says nothing about the server.
func OfRequest(err error) bool {
	var fault interface{ OfRequest() bool }
	return errors.As(err, &fault) && fault.OfRequest()
}

// Closed reports whether err means that the other side closed the connection.
func Closed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// Broken reports whether err means that the connection broke before a response.
func Broken(err error) bool {
	var op *net.OpError
	return Closed(err) || errors.As(err, &op) || err.Error() == "http: server closed idle connection" // net/http has no value for it
}

// TimedOut reports whether err means that a time was over.
func TimedOut(err error) bool {
	var ne net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &ne) && ne.Timeout()
}

// StatusOf is the status that a transport's error has; 0: none.
func StatusOf(err error) int {
	var s interface{ HTTPStatus() int }
	if errors.As(err, &s) {
		return s.HTTPStatus()
	}
	return 0
}

// Answers reports whether status ends the request: 101 does where it asked to change the
// protocol.
func (q *Request) Answers(status int) bool {
	return status >= 200 && status <= 599 || status == http.StatusSwitchingProtocols && q.Upgrade
}
