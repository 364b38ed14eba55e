package uwsgi

import (
	"encoding/binary"
	"fmt"
	"net/http"

	"github.com/standpipe/standpipe/shim/wire"
)

// headerSize is modifier1, the size of the variables (16 bits, little-endian),
// modifier2.
const headerSize = 4

// maxVars is the largest size that 16 bits can hold; bytes.
const maxVars = 1<<16 - 1

// maxCount bounds the variables of a packet: about 30 of the protocol, and the fields that a
// request may have.
const maxCount = 1100

// header is a packet's first four bytes.
type header struct {
	modifier1, modifier2 byte
	size                 int // bytes of variables
}

func parseHeader(p []byte) header {
	return header{modifier1: p[0], size: int(binary.LittleEndian.Uint16(p[1:])), modifier2: p[3]}
}

var errTooMany = fmt.Errorf("it has more than %d variables", maxCount)

// packetError says why a packet cannot be read. No part of it is used then.
type packetError struct{ reason string }

func (e *packetError) Error() string { return "the packet is broken: " + e.reason }

// parseVars reads the variables of a packet, appends them to dst and returns it:
// pairs of a name and a value, each behind its length (16 bits, little-endian). A
// length that leaves the packet is an error, as is more than maxCount. The strings share one copy of p.
func parseVars(dst []wire.Var, p []byte) ([]wire.Var, error) {
	text, before := string(p), len(dst)
	for off := 0; off < len(text); {
		name, next, err := parseString(text, off)
		if err != nil {
			return dst, &packetError{"a name " + err.Error()}
		}
		if name == "" {
			return dst, &packetError{fmt.Sprintf("a name is empty, at byte %d", off)}
		}
		value, end, err := parseString(text, next)
		if err != nil {
			return dst, &packetError{fmt.Sprintf("the value of %.100q %v", name, err)}
		}
		if dst = append(dst, wire.Var{Name: name, Value: value}); len(dst)-before > maxCount {
			return dst, errTooMany
		}
		off = end
	}
	return dst, nil
}

// parseString reads the string at off; next is the offset after it. Sizes are at most 65,535,
// so no sum overflows, even where an int has 32 bits.
func parseString(text string, off int) (s string, next int, err error) {
	if len(text)-off < 2 {
		return "", 0, fmt.Errorf("has no length: %d bytes are left at byte %d", len(text)-off, off)
	}
	n := int(text[off]) | int(text[off+1])<<8
	off += 2
	if n > len(text)-off {
		return "", 0, fmt.Errorf("leaves the packet: %d bytes are declared, %d are left at byte %d", n, len(text)-off, off)
	}
	return text[off : off+n], off + n, nil
}

// TooLarge: a request has more bytes of variables than a packet can hold.
type TooLarge struct{ Size int }

func (e *TooLarge) Error() string {
	return fmt.Sprintf("the request's variables are %d bytes; a uwsgi packet has room for %d", e.Size, maxVars)
}

// HTTPStatus is the answer to such a request.
func (e *TooLarge) HTTPStatus() int { return http.StatusRequestHeaderFieldsTooLarge }

// appendPacket appends a WSGI request's packet. Its error is a *TooLarge.
func appendPacket(dst []byte, vars []wire.Var) ([]byte, error) {
	size := 0
	for _, v := range vars {
		size += 4 + len(v.Name) + len(v.Value)
	}
	if size > maxVars {
		return dst, &TooLarge{size}
	}
	dst = append(dst, 0, byte(size), byte(size>>8), 0)
	for _, v := range vars {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(v.Name)))
		dst = append(dst, v.Name...)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(v.Value)))
		dst = append(dst, v.Value...)
	}
	return dst, nil
}
