package https

import (
	"io"
	"os"
	"sync"

	"github.com/standpipe/standpipe/bridge/spool"
)

// record is how much one record of TLS carries; bytes.
const record = 16 << 10

// pieces are what is gathered for the records of one write.
var pieces = sync.Pool{New: func() any { return new([4 * record]byte) }}

// WriteParts writes a and then b: where both fit, in one record. It returns how many bytes of
// both were written.
func (c *Conn) WriteParts(a, b []byte) (int64, error) {
	if len(b) == 0 {
		n, err := c.Conn.Write(a)
		return int64(n), err
	}
	if len(a) >= record {
		n, err := c.Conn.Write(a)
		if err != nil {
			return int64(n), err
		}
		m, err := c.Conn.Write(b)
		return int64(n + m), err
	}
	buf := pieces.Get().(*[4 * record]byte)
	defer pieces.Put(buf)
	n := copy(buf[:], a)
	first := copy(buf[n:record], b)
	sent, err := c.Conn.Write(buf[:n+first])
	if err != nil || first == len(b) {
		return int64(sent), err
	}
	rest, err := c.Conn.Write(b[first:])
	return int64(sent + rest), err
}

// SendFile writes head and n bytes of f from off on. f's own position is neither used nor
// changed. It returns how many bytes of both were written: fewer without an error, if the file
// is shorter.
func (c *Conn) SendFile(head []byte, f *os.File, off, n int64) (int64, error) {
	if len(head) >= record {
		m, err := c.Conn.Write(head)
		if err != nil {
			return int64(m), err
		}
		rest, err := c.SendFile(nil, f, off, n)
		return int64(m) + rest, err
	}
	buf := pieces.Get().(*[4 * record]byte)
	defer pieces.Put(buf)
	file := io.NewSectionReader(spool.DiskFile{File: f}, off, n)
	have := copy(buf[:], head)
	sent := int64(0)
	for {
		m, err := io.ReadFull(file, buf[have:])
		if have += m; have > 0 {
			w, failed := c.Conn.Write(buf[:have])
			sent += int64(w)
			if failed != nil {
				return sent, failed
			}
		}
		have = 0
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return sent, nil
		default:
			return sent, err
		}
	}
}
