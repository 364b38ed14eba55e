package http1

import "io"

// What a client may send beside the data of a chunked body, in all; bytes. One byte of data
// for each chunk, with its frame, is not counted.
const (
	maxExtensions = 16 << 10
	maxTrailers   = 8 << 10
	maxSizeDigits = 16
	maxChunkLine  = 4 << 10
)

var (
	errChunkSize      = refuse(400, "chunk", "a chunk size is not 1 to 16 hexadecimal digits (RFC 9112 7.1)")
	errChunkLine      = refuse(400, "chunk", "the line of a chunk size is too long, or does not end with CR LF (RFC 9112 7.1)")
	errChunkExtension = refuse(400, "chunk", "a chunk extension does not follow the grammar (RFC 9112 7.1.1)")
	errExtensions     = refuse(400, "chunk", "the chunk extensions of a request are too large (RFC 9112 7.1.1)")
	errChunkData      = refuse(400, "chunk", "the data of a chunk is not followed by CR LF (RFC 9112 7.1)")
	errTrailers       = refuse(400, "trailers", "the trailers of a request are too large, or do not follow the grammar (RFC 9112 7.1.2)")
)

// source is where the bytes of a body come from.
type source interface {
	// buffered returns what has come and was not taken. It may be empty.
	buffered() []byte
	// take removes n bytes of it.
	take(n int)
	// fill waits for more bytes: at least one more is in buffered afterwards, or it
	// returns an error. io.EOF: the other side has closed.
	fill() error
	// readInto reads into p, past the buffer, which is empty.
	readInto(p []byte) (int, error)
}

// chunks decodes a chunked body (RFC 9112 7.1). Extensions and trailers are checked, bounded
// and dropped.
type chunks struct {
	left       int64 // bytes of the current chunk
	inData     bool  // the CR LF behind the data of the current chunk is still to come
	ended      bool
	extensions int // bytes, in all
	maxFields  int
}

// read decodes into p. It returns io.EOF at the end of the body, and io.ErrUnexpectedEOF where
// the connection ends before it.
func (d *chunks) read(src source, p []byte) (n int, err error) {
	for d.left == 0 {
		if d.ended {
			return 0, io.EOF
		}
		if err := d.next(src); err != nil {
			return 0, unexpected(err)
		}
	}
	if len(p) == 0 {
		return 0, nil
	}
	p = p[:min(int64(len(p)), d.left)]
	if b := src.buffered(); len(b) > 0 {
		n = copy(p, b)
		src.take(n)
	} else if n, err = src.readInto(p); err != nil && n == 0 {
		return 0, unexpected(err)
	}
	d.left -= int64(n)
	if d.left == 0 && d.inBuffer(src) { // the end tells at once
		if err := d.next(src); err != nil {
			return n, unexpected(err)
		}
		if d.ended {
			return n, io.EOF
		}
	}
	return n, nil
}

// inBuffer reports whether the end of the body has come, so that it can be read without a wait.
func (d *chunks) inBuffer(src source) bool {
	const end = "\r\n0\r\n\r\n"
	b := src.buffered()
	return len(b) >= len(end) && string(b[:len(end)]) == end
}

// next reads up to the data of the next chunk, or to the end of the body.
func (d *chunks) next(src source) error {
	if d.inData {
		for len(src.buffered()) < 2 {
			if b := src.buffered(); len(b) == 1 && b[0] != '\r' {
				return errChunkData
			}
			if err := src.fill(); err != nil {
				return err
			}
		}
		if b := src.buffered(); b[0] != '\r' || b[1] != '\n' {
			return errChunkData
		}
		src.take(2)
		d.inData = false
	}
	line, err := readLine(src, maxChunkLine, errChunkLine)
	if err != nil {
		return err
	}
	size, rest, bad := chunkSize(line)
	if bad != nil {
		return bad
	}
	if len(rest) > 0 {
		if d.extensions += len(rest); d.extensions > maxExtensions {
			return errExtensions
		}
		if !extensionsOK(rest) {
			return errChunkExtension
		}
	}
	src.take(len(line) + 2)
	if size > 0 {
		d.left, d.inData = size, true
		return nil
	}
	if err := d.trailers(src); err != nil {
		return err
	}
	d.ended = true
	return nil
}

// trailers reads the trailer section, of which nothing is kept (RFC 9110 6.5.1).
func (d *chunks) trailers(src source) error {
	for size, count := 0, 0; ; count++ {
		line, err := readLine(src, maxTrailers-size, errTrailers)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			src.take(2)
			return nil
		}
		colon := indexByte(line, ':')
		if colon <= 0 || !isToken(string(line[:colon])) || !isValue(line[colon+1:]) || count >= d.maxFields {
			return errTrailers
		}
		size += len(line) + 2
		src.take(len(line) + 2)
	}
}

// readLine returns the next line without its CR LF, of which nothing is taken. A line of more
// than most bytes, a bare LF and a bare CR are the error bad.
func readLine(src source, most int, bad *Refusal) ([]byte, error) {
	for from := 0; ; {
		b := src.buffered()
		if i := indexByte(b[from:], '\n'); i >= 0 {
			i += from
			if i == 0 || b[i-1] != '\r' || i-1 > most || indexByte(b[:i-1], '\r') >= 0 {
				return nil, bad
			}
			return b[:i-1], nil
		}
		from = len(b)
		if from > most+1 {
			return nil, bad
		}
		if err := src.fill(); err != nil {
			return nil, err
		}
	}
}

// chunkSize reads the digits in front of line. rest is what follows them.
func chunkSize(line []byte) (size int64, rest []byte, bad *Refusal) {
	i := 0
	for ; i < len(line); i++ {
		v := hex(line[i])
		if v < 0 {
			break
		}
		if i == maxSizeDigits || size >= 1<<58 {
			return 0, nil, errChunkSize
		}
		size = size<<4 | int64(v)
	}
	if i == 0 {
		return 0, nil, errChunkSize
	}
	return size, line[i:], nil
}

func hex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// extensionsOK: *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] ).
func extensionsOK(b []byte) bool {
	for len(b) > 0 {
		b = skipBlanks(b)
		if len(b) == 0 || b[0] != ';' {
			return false
		}
		b = skipBlanks(b[1:])
		n := tokenLength(b)
		if n == 0 {
			return false
		}
		b = b[n:]
		value := skipBlanks(b)
		if len(value) == 0 || value[0] != '=' {
			continue // blanks may stand in front of the next ";" alone
		}
		value = skipBlanks(value[1:])
		if len(value) > 0 && value[0] == '"' {
			n = quotedLength(value)
		} else {
			n = tokenLength(value)
		}
		if n == 0 {
			return false
		}
		b = value[n:]
	}
	return true
}

func skipBlanks(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

func tokenLength(b []byte) int {
	n := 0
	for n < len(b) && tokenBytes[b[n]] {
		n++
	}
	return n
}

// quotedLength is the length of the quoted string (RFC 9110 5.6.4) that b begins with; 0: it
// has no end, or holds a control byte.
func quotedLength(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i++; i == len(b) || b[i] < ' ' && b[i] != '\t' || b[i] == 0x7f {
				return 0
			}
		case c < ' ' && c != '\t', c == 0x7f:
			return 0
		}
	}
	return 0
}

// unexpected: a body that ends with its connection is cut off.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
