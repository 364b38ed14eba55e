package http1

import (
	"io"
	"os"
)

// firstBuffer is enough for nearly every head; bytes. A larger head, or one behind which much
// has come, gets a larger buffer for its request alone.
const firstBuffer = 4 << 10

// input is what has come on a connection and was not taken yet.
type input struct {
	conn io.Reader
	buf  []byte
	r, w int // of buf: what is buffered
}

func (in *input) buffered() []byte { return in.buf[in.r:in.w] }

func (in *input) take(n int) {
	if in.r += n; in.r == in.w {
		in.r, in.w = 0, 0
	}
}

// fill waits for bytes. What is buffered moves where that makes room, and the buffer grows
// where there is none.
func (in *input) fill() error {
	in.room()
	n, err := in.conn.Read(in.buf[in.w:])
	in.w += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// room makes room for at least one byte.
func (in *input) room() {
	switch {
	case in.w < len(in.buf):
	case in.r > 0:
		copy(in.buf, in.buf[in.r:in.w])
		in.r, in.w = 0, in.w-in.r
	default:
		larger := make([]byte, 2*len(in.buf))
		copy(larger, in.buf[:in.w])
		in.buf = larger
	}
}

func (in *input) readInto(p []byte) (int, error) {
	if len(p) >= len(in.buf) {
		return in.conn.Read(p)
	}
	if err := in.fill(); err != nil {
		return 0, err
	}
	n := copy(p, in.buffered())
	in.take(n)
	return n, nil
}

// isTimeout reports a read that a deadline has ended.
func isTimeout(err error) bool {
	return err != nil && (err == os.ErrDeadlineExceeded || os.IsTimeout(err))
}
