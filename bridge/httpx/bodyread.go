package httpx

import (
	"io"
	"net/http"
	"os"
	"time"
)

// BodyReader reads a request body from a client that has to keep a Pace. A client that
// falls behind ends a read with os.ErrDeadlineExceeded (BodyError: ErrStalled). Reads are
// for one goroutine at a time.
type BodyReader struct {
	src  io.Reader
	w    http.ResponseWriter
	info *RequestInfo
	left Patience
}

// Begin reads the body of r, which w answers.
func (b *BodyReader) Begin(w http.ResponseWriter, r *http.Request, pace Pace) {
	*b = BodyReader{src: r.Body, w: w, info: Of(w)}
	b.left.Begin(pace)
}

// Arm sets the deadline of the next read. What was set before, by anybody, is over.
func (b *BodyReader) Arm() {
	deadline := time.Time{}
	if b.left.Silence > 0 {
		deadline = time.Now().Add(max(b.left.Left(), 0))
	}
	_ = http.NewResponseController(b.w).SetReadDeadline(deadline) // not every server has one
}

// Read arms, and reads.
func (b *BodyReader) Read(p []byte) (int, error) {
	b.Arm()
	return b.ReadArmed(p)
}

// ReadArmed reads after Arm.
func (b *BodyReader) ReadArmed(p []byte) (int, error) {
	start := time.Now()
	n, err := b.src.Read(p)
	if err == io.EOF {
		b.info.BodyRead = true
	}
	if !b.left.Spend(time.Since(start), int64(n)) && err == nil {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// Done takes the deadline back.
func (b *BodyReader) Done() {
	if b.left.Silence > 0 {
		_ = http.NewResponseController(b.w).SetReadDeadline(time.Time{})
	}
}
