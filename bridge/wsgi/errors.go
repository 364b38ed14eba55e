package wsgi

import (
	"errors"
	"net/http"
	"time"

	"github.com/standpipe/standpipe/bridge/body"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

var (
	errTimeout error = timeoutError("the app took too long")
	errSilent  error = timeoutError("the app was silent for too long within its answer")
	// errShort: the app gave fewer bytes than its Content-Length says; told by then.
	errShort = errors.New("the body is shorter than its Content-Length")
	// errCut marks an error that came after the head of the answer had gone out.
	errCut = errors.New("the answer was cut off")
)

// timeoutError: the app has used up its time.
type timeoutError string

func (e timeoutError) Error() string { return string(e) }

// Timeout is net.Error's.
func (timeoutError) Timeout() bool { return true }

// badResponse: the app's answer breaks HTTP or PEP 3333, so nothing of it is sent.
type badResponse struct{ reason string }

func (e *badResponse) Error() string { return "the app's answer cannot be sent: " + e.reason }

// verdict is how an error is answered.
type verdict struct {
	status     int
	text       string // for the client; empty: the status's own sentence
	retryAfter time.Duration
	close      bool // the connection cannot be used for another request
	server     bool // the answer is the server's, not due to the app
	unknown    bool // no case fits: something of ours failed
}

// judge is the only map from errors to statuses.
func judge(err error) verdict {
	var full *shim.QueueFull
	var app *wire.AppError
	var bad *badResponse
	var large *wire.ProtocolError
	if status, retryAfter := body.StatusOf(err); status != 0 {
		return verdict{status: status, retryAfter: retryAfter, close: true, server: true}
	}
	switch {
	case errors.As(err, &full):
		// The oldest has waited half of what a newcomer would wait, or so.
		return verdict{status: http.StatusServiceUnavailable, retryAfter: min(max(full.Oldest, time.Second), 10*time.Second), server: true}
	case errors.Is(err, shim.ErrQueueFull), errors.Is(err, shim.ErrQueueTimeout), errors.Is(err, shim.ErrNotStarted):
		return verdict{status: http.StatusServiceUnavailable, retryAfter: 2 * time.Second, server: true}
	case errors.Is(err, shim.ErrNoWorkers):
		return verdict{status: http.StatusServiceUnavailable, text: "The application is not running.", retryAfter: 5 * time.Second, server: true}
	case errors.Is(err, shim.ErrStopping):
		return verdict{status: http.StatusServiceUnavailable, text: "The server is stopping.", retryAfter: time.Second, close: true, server: true}

	case errors.Is(err, errTimeout), errors.Is(err, errSilent):
		return verdict{status: http.StatusGatewayTimeout}
	case errors.Is(err, shim.ErrWorkerGone):
		return verdict{status: http.StatusBadGateway}
	case errors.As(err, &app), errors.As(err, &bad), errors.Is(err, errShort):
		return verdict{status: http.StatusInternalServerError}
	case errors.As(err, &large): // of Send: the environ is beyond the frame's ceiling
		return verdict{status: http.StatusRequestHeaderFieldsTooLarge, server: true}
	}
	return verdict{status: http.StatusInternalServerError, server: true, unknown: true}
}
