package overh2

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"

	"golang.org/x/net/http2/hpack"
)

// The types of frames, and their flags.
const (
	dataFrame, headersFrame, rstFrame, settingsFrame, pingFrame, goAwayFrame, windowFrame, continuationFrame = 0, 1, 3, 4, 6, 7, 8, 9

	endStream, ack, endHeaders, padded, prioritized = 1, 1, 4, 8, 32
)

// The errors of streams.
const (
	noError, protocolError, cancelError = 0, 1, 8
)

const (
	preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	window  = 65535 // RFC 9113 6.9.2
)

// link sends and reads frames. One stream is under way at a time.
type link struct {
	nc   net.Conn
	conn *Conn

	wmu sync.Mutex // a frame, or a block of fields, at a time
	enc *hpack.Encoder
	blk bytes.Buffer

	mu       sync.Mutex
	changed  *sync.Cond
	err      error
	current  *stream
	last     uint32 // id of the last stream
	room     int64  // that the server gives to the connection
	initial  int64  // that it gives to a stream
	maxFrame int
	owed     int // DATA bytes that are not credited
	leaving  bool
	resting  bool // what was written is sent as far as the server lets it
	dec      *hpack.Decoder
}

func newLink(nc net.Conn, c *Conn) *link {
	l := &link{nc: nc, conn: c, room: window, initial: window, maxFrame: 16 << 10}
	l.changed = sync.NewCond(&l.mu)
	l.enc = hpack.NewEncoder(&l.blk)
	l.dec = hpack.NewDecoder(4096, nil)
	_, _ = io.WriteString(nc, preface+frame(settingsFrame, 0, 0, "\x00\x02\x00\x00\x00\x00")) // no push
	return l
}

func frame(kind, flags byte, id uint32, payload string) string {
	n := len(payload)
	return string(binary.BigEndian.AppendUint32([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}, id)) + payload
}

func word(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }

// send writes a frame.
func (l *link) send(kind, flags byte, id uint32, payload string) {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	_, _ = io.WriteString(l.nc, frame(kind, flags, id, payload)) // the reader finds out
}

// sendFields writes HEADERS.
func (l *link) sendFields(id uint32, fields [][2]string, end bool) {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	l.blk.Reset()
	for _, f := range fields {
		_ = l.enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	var out bytes.Buffer
	kind, flags := byte(headersFrame), byte(0)
	if end {
		flags = endStream
	}
	for {
		part := l.blk.Next(16 << 10)
		if l.blk.Len() == 0 {
			flags |= endHeaders
		}
		out.WriteString(frame(kind, flags, id, string(part)))
		if l.blk.Len() == 0 {
			break
		}
		kind, flags = continuationFrame, 0
	}
	_, _ = l.nc.Write(out.Bytes())
}

// open begins a stream.
func (l *link) open(h *head) (*stream, error) {
	l.mu.Lock()
	if l.err != nil || l.leaving {
		err := l.err
		l.mu.Unlock()
		if err == nil {
			err = io.EOF
		}
		return nil, err
	}
	l.last++
	if l.last%2 == 0 {
		l.last++
	}
	s := &stream{link: l, id: l.last, method: h.method, room: l.initial, length: -1}
	l.current = s
	l.mu.Unlock()
	l.sendFields(s.id, h.fields, h.bodyEnd)
	return s, nil
}

// credit gives the server room for as many bytes as were read.
func (l *link) credit() {
	l.mu.Lock()
	n, id := l.owed, uint32(0)
	l.owed = 0
	if s := l.current; s != nil && !s.over {
		id = s.id
	}
	l.mu.Unlock()
	if n == 0 {
		return
	}
	l.send(windowFrame, 0, 0, word(uint32(n)))
	if id != 0 {
		l.send(windowFrame, 0, id, word(uint32(n)))
	}
}

// cancel resets the stream under way, and has the connection closed when the server answers the PING behind that.
func (l *link) cancel() {
	l.mu.Lock()
	s := l.current
	l.leaving = true
	l.mu.Unlock()
	if s != nil {
		l.send(rstFrame, 0, s.id, word(cancelError))
	}
	l.send(pingFrame, 0, 0, "goodbye.")
}

// rest is called when no more is sent.
func (l *link) rest() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.resting = true
	l.changed.Broadcast()
}

// wait waits for the server. mu is held.
func (l *link) wait() {
	l.resting = true
	l.changed.Broadcast()
	l.changed.Wait()
	l.resting = false
}

// settle waits until what the test has written is sent, as far as the server lets it.
func (l *link) settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.resting && l.err == nil {
		l.changed.Wait()
	}
}

// stop ends what waits for the server.
func (l *link) stop() { l.ended(net.ErrClosed) }

func (l *link) ended(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
	l.changed.Broadcast()
}

// read reads frames until the connection ends.
func (l *link) read() {
	err := func() error {
		var block []byte
		var flags byte
		for {
			kind, f, id, payload, err := readFrame(l.nc)
			if err != nil {
				return err
			}
			switch kind {
			case headersFrame:
				payload, err = unpadded(f, payload)
				if err != nil {
					return err
				}
				if f&prioritized != 0 {
					payload = payload[5:]
				}
				block, flags = payload, f
			case continuationFrame:
				block, flags = append(block, payload...), flags|f&endHeaders
			default:
				if err := l.take(kind, f, id, payload); err != nil {
					return err
				}
				continue
			}
			if flags&endHeaders != 0 {
				fields, err := l.dec.DecodeFull(block)
				if err != nil {
					return err
				}
				l.with(id, func(s *stream) { s.head(fields, flags&endStream != 0) })
			}
		}
	}()
	l.ended(err)
	l.conn.end(err)
	_ = l.nc.Close()
}

// with calls f for the stream under way, if it is the one of that id.
func (l *link) with(id uint32, f func(*stream)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.current; s != nil && s.id == id {
		f(s)
	}
	l.changed.Broadcast()
}

// take handles a frame without fields.
func (l *link) take(kind, flags byte, id uint32, payload []byte) error {
	switch kind {
	case dataFrame:
		size := len(payload)
		payload, err := unpadded(flags, payload)
		if err != nil {
			return err
		}
		l.mu.Lock()
		l.owed += size
		l.mu.Unlock()
		l.with(id, func(s *stream) { s.data(payload, flags&endStream != 0) })
	case rstFrame:
		l.with(id, func(s *stream) { s.reset(binary.BigEndian.Uint32(payload)) })
	case settingsFrame:
		if flags&ack == 0 {
			l.settings(payload)
			l.send(settingsFrame, ack, 0, "")
		}
	case pingFrame:
		if flags&ack != 0 {
			return net.ErrClosed // Disconnect's
		}
		l.send(pingFrame, ack, 0, string(payload))
	case goAwayFrame:
		l.mu.Lock()
		l.leaving = true
		if s := l.current; s != nil && s.id > binary.BigEndian.Uint32(payload)&0x7fffffff {
			s.reset(binary.BigEndian.Uint32(payload[4:]))
		}
		l.changed.Broadcast()
		l.mu.Unlock()
	case windowFrame:
		n := int64(binary.BigEndian.Uint32(payload) & 0x7fffffff)
		l.mu.Lock()
		if id == 0 {
			l.room += n
		} else if s := l.current; s != nil && s.id == id {
			s.room += n
		}
		l.changed.Broadcast()
		l.mu.Unlock()
	}
	return nil
}

// settings are the server's.
func (l *link) settings(payload []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ; len(payload) >= 6; payload = payload[6:] {
		n := binary.BigEndian.Uint32(payload[2:])
		switch binary.BigEndian.Uint16(payload) {
		case 4: // SETTINGS_INITIAL_WINDOW_SIZE
			if l.current != nil {
				l.current.room += int64(n) - l.initial
			}
			l.initial = int64(n)
		case 5: // SETTINGS_MAX_FRAME_SIZE
			l.maxFrame = int(n)
		}
	}
	l.changed.Broadcast()
}

func readFrame(r io.Reader) (kind, flags byte, id uint32, payload []byte, err error) {
	head := make([]byte, 9)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, 0, 0, nil, err
	}
	payload = make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	_, err = io.ReadFull(r, payload)
	return head[3], head[4], binary.BigEndian.Uint32(head[5:]) & 0x7fffffff, payload, err
}

func unpadded(flags byte, p []byte) ([]byte, error) {
	if flags&padded == 0 {
		return p, nil
	}
	if len(p) == 0 || int(p[0]) >= len(p) {
		return nil, fmt.Errorf("padding of %d bytes in %d", p, len(p))
	}
	return p[1 : len(p)-int(p[0])], nil
}
