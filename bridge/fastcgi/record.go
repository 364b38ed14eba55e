package fastcgi

import (
	"encoding/binary"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/shim/wire"
)

// The types of records that are sent or read (FastCGI 1.0, 8).
const (
	typeBegin  = 1
	typeAbort  = 2
	typeEnd    = 3
	typeParams = 4
	typeStdin  = 5
	typeStdout = 6
	typeStderr = 7
)

const (
	version    = 1
	roleAnswer = 1 // FCGI_RESPONDER
	keepConn   = 1 // FCGI_KEEP_CONN
	requestID  = 1 // of every request: a connection carries one at a time

	headerSize = 8
	endSize    = 8
	// maxContent is the largest content of a record that is a multiple of 8, so that no
	// padding is needed; bytes.
	maxContent = 65528
)

// The protocol's statuses of END_REQUEST.
const (
	complete    = 0
	cannotMix   = 1
	overloaded  = 2
	unknownRole = 3
)

// header is a record's first eight bytes.
type header struct {
	kind    byte
	id      uint16
	length  int // bytes of content
	padding int
}

func parseHeader(p []byte) (header, error) {
	if p[0] != version {
		return header{}, cgi.Bad("a record of version %d is not FastCGI", p[0])
	}
	return header{kind: p[1], id: binary.BigEndian.Uint16(p[2:]), length: int(binary.BigEndian.Uint16(p[4:])), padding: int(p[6])}, nil
}

// putHeader writes the header of a record with n bytes of content.
func putHeader(p []byte, kind byte, n int) {
	*(*[headerSize]byte)(p) = [headerSize]byte{version, kind, 0, requestID, byte(n >> 8), byte(n), 0, 0}
}

func appendHeader(dst []byte, kind byte, n int) []byte {
	dst = append(dst, make([]byte, headerSize)...)
	putHeader(dst[len(dst)-headerSize:], kind, n)
	return dst
}

// appendBegin appends the record that begins a request.
func appendBegin(dst []byte, keep bool) []byte {
	dst = appendHeader(dst, typeBegin, 8)
	flags := byte(0)
	if keep {
		flags = keepConn
	}
	return append(dst, 0, roleAnswer, flags, 0, 0, 0, 0, 0)
}

// appendParams appends the stream of a request's variables, with its end.
func appendParams(dst []byte, vars []wire.Var) []byte {
	begin := len(dst)
	dst = append(dst, make([]byte, headerSize)...)
	for _, v := range vars {
		dst = appendSize(appendSize(dst, len(v.Name)), len(v.Value))
		dst = append(append(dst, v.Name...), v.Value...)
	}
	switch size := len(dst) - begin - headerSize; {
	case size == 0:
		dst = dst[:begin]
	case size <= maxContent: // nearly always
		putHeader(dst[begin:], typeParams, size)
	default:
		dst = appendStream(dst[:begin], typeParams, append([]byte(nil), dst[begin+headerSize:]...))
	}
	return appendHeader(dst, typeParams, 0)
}

// appendStream appends p as records.
func appendStream(dst []byte, kind byte, p []byte) []byte {
	for len(p) > 0 {
		n := min(len(p), maxContent)
		dst = append(appendHeader(dst, kind, n), p[:n]...)
		p = p[n:]
	}
	return dst
}

// appendSize appends the length of a name or a value: one byte, or four with the first bit set.
func appendSize(dst []byte, n int) []byte {
	if n < 0x80 {
		return append(dst, byte(n))
	}
	return binary.BigEndian.AppendUint32(dst, uint32(n)|1<<31)
}
