package listen

import (
	"io"
	"net"
	"os"

	"github.com/standpipe/standpipe/bridge/spool"
)

// What one call writes at most where the system has no writev(2) of ours; bytes. The ends of
// the calls show what the client takes.
const writePiece = 64 << 10

// Write writes p.
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.WriteParts(p, nil)
	return int(n), err
}

// WriteBuffers writes all of them: in one call, where the system can.
func (c *Conn) WriteBuffers(b *net.Buffers) (int64, error) {
	if !c.pace.begin() {
		return 0, os.ErrDeadlineExceeded
	}
	defer c.pace.end()
	n, err := b.WriteTo(c.Conn)
	c.pace.wrote(int(n))
	return n, err
}

// WriteParts writes head and body: in one call, where the system can. It returns how many
// bytes of both were written. It keeps neither.
func (c *Conn) WriteParts(head, body []byte) (int64, error) {
	if !c.pace.begin() {
		return 0, os.ErrDeadlineExceeded
	}
	defer c.pace.end()
	return writeParts(c, head, body)
}

// SendFile writes head and n bytes of the regular file f from off on: in as few calls and
// packets as the system can. f's own position is neither used nor changed. It returns how
// many bytes of both were written: fewer without an error, if the file is shorter.
func (c *Conn) SendFile(head []byte, f *os.File, off, n int64) (int64, error) {
	if !c.pace.begin() {
		return 0, os.ErrDeadlineExceeded
	}
	sent, ok, err := sendParts(c, head, f, off, n)
	c.pace.end()
	if ok || err != nil {
		return sent, err
	}
	if rest := head[min(sent, int64(len(head))):]; len(rest) > 0 {
		m, err := c.Write(rest)
		sent += int64(m)
		if err != nil {
			return sent, err
		}
	}
	m, err := io.Copy(struct{ io.Writer }{c}, io.NewSectionReader(spool.DiskFile{File: f}, off, n))
	return sent + m, err
}

// ReadFrom sends files with sendfile(2), where the system can.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	lr, _ := r.(*io.LimitedReader)
	if lr == nil {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	file, _ := lr.R.(*os.File)
	if file == nil {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	if tcp, isTCP := tcpOf(c); isTCP && sendsFiles {
		if !c.pace.begin() {
			return 0, os.ErrDeadlineExceeded
		}
		defer c.pace.end()
		if n, ok, err := sendFile(tcp, file, lr.N); ok {
			lr.N -= n
			c.pace.wrote(int(n))
			return n, err
		}
	}
	return io.Copy(struct{ io.Writer }{c}, io.LimitReader(spool.DiskFile{File: file}, lr.N))
}

// writeBoth writes head and body without help of the system.
func writeBoth(c *Conn, head, body []byte) (sent int64, err error) {
	for _, p := range [...][]byte{head, body} {
		for len(p) > 0 {
			n, err := c.Conn.Write(p[:min(len(p), writePiece)])
			c.pace.wrote(n)
			sent += int64(n)
			if err != nil {
				return sent, err
			}
			p = p[n:]
		}
	}
	return sent, nil
}
