package https

// records follows the records of TLS (RFC 8446 5.1) through what is read, to know whether bytes
// of another one were read ahead.
type records struct {
	head [5]byte
	have int // of head
	left int // of the record's body
	more bool
}

// read is called with what one read has returned. tls.Conn reads when it has no whole record:
// so at most one record that begins or continues here is taken before the next read.
func (r *records) read(p []byte) {
	ended := 0
	for len(p) > 0 {
		if r.have < len(r.head) {
			n := copy(r.head[r.have:], p)
			r.have += n
			p = p[n:]
			if r.have < len(r.head) {
				break
			}
			r.left = int(r.head[3])<<8 | int(r.head[4])
		}
		n := min(r.left, len(p))
		r.left -= n
		p = p[n:]
		if r.left == 0 {
			r.have = 0
			ended++
		}
	}
	r.more = ended > 1 || r.have > 0 && ended > 0
}

// clean reports that no byte was read of a record that tls.Conn has not taken, after a read of
// tls.Conn that has returned all it had.
func (r *records) clean() bool { return r.have == 0 && !r.more }
