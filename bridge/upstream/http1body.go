package upstream

import (
	"io"
	"net/http"
	"net/http/httputil"
)

// body1 is the body of a response (RFC 9112 6.3).
type body1 struct {
	x       *exchange1
	r       io.Reader // what is behind the head; of a chunked body its content
	left    int64     // of a body of a known length; -1: unknown
	chunked bool
	reuse   bool
	whole   bool // all of it has come
	err     error
	trailer http.Header
}

func (b *body1) begin(x *exchange1, h *head) {
	b.x, b.r, b.left, b.chunked = x, x.c.br, h.length, h.chunked
	b.reuse = !h.last && (h.chunked || h.length >= 0)
	b.whole = h.length > 0 && h.length <= int64(x.c.br.Buffered())
	if h.chunked {
		b.r, b.trailer = httputil.NewChunkedReader(x.c.br), h.announced()
	}
}

// Whole reports whether all of the body has come, so that no read waits.
func (b *body1) Whole() bool { return b.whole }

func (b *body1) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.read(p)
	if err != nil {
		if err != io.EOF {
			if cause := b.x.req.Ending.Cause(); cause != nil {
				err = cause
			}
		}
		b.x.end(err == io.EOF && b.reuse)
		b.err = err
	}
	return n, err
}

// read reads up to the end: with the last bytes of a known length comes io.EOF.
func (b *body1) read(p []byte) (int, error) {
	if b.left < 0 {
		n, err := b.r.Read(p)
		if err == io.EOF && b.chunked {
			err = b.trailers()
		}
		return n, err
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	switch b.left -= int64(n); {
	case b.left == 0:
		err = io.EOF
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// trailers reads what is behind the last chunk; io.EOF: it was complete.
func (b *body1) trailers() error {
	c := b.x.c
	c.left = int64(maxHead - c.br.Buffered())
	for n := 0; ; n++ {
		s, err := c.readLine()
		switch {
		case err != nil:
			return err
		case s == "":
			return io.EOF
		case n == maxFields:
			return errManyFields
		}
		name, value, err := fieldLine(s)
		if err != nil {
			return err
		}
		if name = http.CanonicalHeaderKey(name); frames(name) {
			return errTrailerName
		}
		if b.trailer == nil {
			b.trailer = http.Header{}
		}
		b.trailer[name] = append(b.trailer[name], value)
	}
}

func (b *body1) Close() error {
	if b.err == nil {
		b.err = http.ErrBodyReadAfterClose
		b.x.end(false)
	}
	return nil
}
