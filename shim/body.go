package shim

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/standpipe/standpipe/shim/wire"
)

// The keys of a Request whose body is in a file. The app does not see them.
const (
	varBodyFile = "standpipe.body_file"
	varBodySize = "standpipe.body_size"
)

// fileState is where the body of an exchange is.
type fileState uint8

const (
	fileNone    fileState = iota // in frames
	fileSent                     // in a file that the worker was told of
	fileRefused                  // the worker cannot open it and wants frames
)

// SendFile sends the environ of a request whose whole body is in the file at
// path, of size octets: the worker opens it. Who calls it keeps the file until
// Close, and sends the body with SendBody when FileRefused says so. Errors are
// Send's.
func (x *Exchange) SendFile(vars []wire.Var, path string, size int64) error {
	x.mu.Lock()
	x.file = fileSent
	x.mu.Unlock()
	vars = append(slices.Clip(vars), wire.Var{Name: varBodyFile, Value: path}, wire.Var{Name: varBodySize, Value: strconv.FormatInt(size, 10)})
	return x.Send(vars, nil, false)
}

// FileRefused waits until the worker has said that it cannot open the file of
// SendFile: nil. It returns ErrAnswered when the answer has ended without that,
// ErrWorkerGone (wrapped) when the worker is gone, or ctx's error.
func (x *Exchange) FileRefused(ctx context.Context) error {
	for {
		x.mu.Lock()
		switch {
		case x.ended:
			defer x.mu.Unlock()
			return x.unsendable()
		case x.file == fileRefused:
			x.mu.Unlock()
			return nil
		}
		x.mu.Unlock()
		select {
		case <-x.wakeSend:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// unsendable says why no body can be sent once the answer has ended. mu is held.
func (x *Exchange) unsendable() error {
	if x.err == nil {
		return ErrAnswered
	}
	return x.failure()
}

// SendBody sends further octets of the body, as fast as the app reads them. It
// returns ErrAnswered when the answer has ended, ErrWorkerGone (wrapped) when
// the worker is gone, or ctx's error.
func (x *Exchange) SendBody(ctx context.Context, p []byte, last bool) error {
	for {
		n := min(len(p), wire.MaxInline)
		x.mu.Lock()
		for n > 0 && x.credit == 0 && !x.ended {
			x.mu.Unlock()
			select {
			case <-x.wakeSend:
			case <-ctx.Done():
				return ctx.Err()
			}
			x.mu.Lock()
		}
		if x.ended {
			defer x.mu.Unlock()
			return x.unsendable()
		}
		n = min(n, x.credit)
		x.credit -= n
		x.mu.Unlock()

		fl := wire.Flags(0)
		if last && n == len(p) {
			fl = wire.FlagEnd
		}
		if err := x.conn.out.send(true, func(b []byte) ([]byte, error) {
			return wire.AppendFrame(b, wire.Frame{Kind: wire.KindBody, Flags: fl, Stream: x.id, Payload: p[:n]}), nil
		}); err != nil {
			return fmt.Errorf("%s: %w: %w", x.conn.name, ErrWorkerGone, err)
		}
		if p = p[n:]; len(p) == 0 {
			return nil
		}
	}
}
