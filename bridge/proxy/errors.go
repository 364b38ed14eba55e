package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/standpipe/standpipe/bridge/body"
)

// errSilent: the upstream was silent for too long within its answer.
var errSilent = errors.New("the upstream was silent for too long within its answer")

// verdict is how an error is answered.
type verdict struct {
	status     int
	text       string // for the client; empty: the status's own sentence
	retryAfter time.Duration
	client     bool // it is about the request's body: no upstream is to blame
}

// judge is the only map from errors to statuses.
func judge(err error) verdict {
	if status, retryAfter := body.StatusOf(err); status != 0 {
		return verdict{status: status, retryAfter: retryAfter, client: true}
	}
	switch {
	case statusOf(err) != 0:
		return verdict{status: statusOf(err)}
	case timeout(err):
		return verdict{status: http.StatusGatewayTimeout, text: "The server behind this one took too long to answer."}
	}
	return verdict{status: http.StatusBadGateway, text: "The server behind this one did not answer as it should."}
}

// statusOf is the status that a transport's error has by itself; 0: none.
func statusOf(err error) int {
	var s interface{ HTTPStatus() int }
	if errors.As(err, &s) {
		return s.HTTPStatus()
	}
	return 0
}

func timeout(err error) bool {
	var ne net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errSilent) || errors.As(err, &ne) && ne.Timeout()
}

// died: the connection broke before an answer.
func died(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.As(err, &op) ||
		err.Error() == "http: server closed idle connection" // net/http has no value for it
}
