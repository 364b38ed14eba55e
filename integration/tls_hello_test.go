package integration

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
)

// clientHello is a ClientHello (RFC 5246 7.4.1.2) as no library would write it.
type clientHello struct {
	record, version uint16 // 0x0301 and 0x0303 where they are 0
	suites          []uint16
	compression     []byte // nil: none, which is one method
	session         []byte
	extensions      []byte
	name            string // SNI
}

// ext is one extension.
func ext(kind uint16, value []byte) []byte {
	p := binary.BigEndian.AppendUint16(nil, kind)
	p = binary.BigEndian.AppendUint16(p, uint16(len(value)))
	return append(p, value...)
}

// message is the handshake message, without its record.
func (h clientHello) message() []byte {
	p := binary.BigEndian.AppendUint16(nil, or(h.version, 0x0303))
	p = append(p, make([]byte, 32)...)
	p = append(append(p, byte(len(h.session))), h.session...)
	p = binary.BigEndian.AppendUint16(p, uint16(2*len(h.suites)))
	for _, s := range h.suites {
		p = binary.BigEndian.AppendUint16(p, s)
	}
	if h.compression == nil {
		h.compression = []byte{0}
	}
	p = append(append(p, byte(len(h.compression))), h.compression...)
	var x []byte
	if h.name != "" {
		n := binary.BigEndian.AppendUint16([]byte{0}, uint16(len(h.name)))
		n = append(n, h.name...)
		x = append(x, ext(0, append(binary.BigEndian.AppendUint16(nil, uint16(len(n))), n...))...)
	}
	x = append(x, ext(10, []byte{0, 4, 0, 29, 0, 23})...)     // X25519, P-256
	x = append(x, ext(11, []byte{1, 0})...)                   // points: uncompressed
	x = append(x, ext(13, []byte{0, 6, 4, 3, 8, 4, 4, 1})...) // ECDSA with P-256, RSA-PSS and RSA, with SHA-256
	x = append(x, h.extensions...)
	p = append(binary.BigEndian.AppendUint16(p, uint16(len(x))), x...)
	return append([]byte{1, byte(len(p) >> 16), byte(len(p) >> 8), byte(len(p))}, p...)
}

// bytes is the message in one record.
func (h clientHello) bytes() []byte { return inRecords(or(h.record, 0x0301), h.message(), 1<<14) }

// inRecords cuts a message into records.
func inRecords(version uint16, message []byte, size int) (out []byte) {
	for len(message) > 0 {
		n := min(size, len(message))
		out = binary.BigEndian.AppendUint16(append(out, 22), version)
		out = binary.BigEndian.AppendUint16(out, uint16(n))
		out = append(out, message[:n]...)
		message = message[n:]
	}
	return out
}

func or(a, b uint16) uint16 {
	if a == 0 {
		return b
	}
	return a
}

// greeting is what a server has answered to a hello.
type greeting struct {
	alert       byte // 0: none
	version     uint16
	suite       uint16
	compression byte
	extensions  map[uint16][]byte
	closed      bool // without an alert
}

// greet sends bytes to an address, and reads the first record of the answer.
func greet(t testing.TB, address string, p []byte) (g greeting) {
	t.Helper()
	c := dialFor(t, address)
	defer c.Close()
	go func() { _, _ = c.Write(p) }() // ends with the connection
	return readGreeting(t, c)
}

func readGreeting(t testing.TB, c net.Conn) (g greeting) {
	t.Helper()
	head := make([]byte, 5)
	if _, err := io.ReadFull(c, head); err != nil {
		return greeting{closed: true}
	}
	body := make([]byte, binary.BigEndian.Uint16(head[3:]))
	if _, err := io.ReadFull(c, body); err != nil {
		t.Fatal(err)
	}
	switch {
	case head[0] == 21 && len(body) == 2:
		return greeting{alert: body[1]}
	case head[0] != 22 || body[0] != 2:
		t.Fatalf("no ServerHello: %x", body)
	}
	body = body[4:]
	g = greeting{version: binary.BigEndian.Uint16(body), extensions: map[uint16][]byte{}}
	body = body[34:]
	body = body[1+int(body[0]):]
	g.suite, g.compression = binary.BigEndian.Uint16(body), body[2]
	if body = body[3:]; len(body) < 2 {
		return g
	}
	x := body[2 : 2+int(binary.BigEndian.Uint16(body))]
	for len(x) >= 4 {
		n := 4 + int(binary.BigEndian.Uint16(x[2:]))
		g.extensions[binary.BigEndian.Uint16(x)] = x[4:n]
		x = x[n:]
	}
	return g
}
