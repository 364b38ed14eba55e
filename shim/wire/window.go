package wire

import (
	"encoding/binary"
)

// AppendWindow appends a Window frame: n more bytes may come.
func AppendWindow(b []byte, stream uint32, n int) []byte {
	b = AppendHeader(b, KindWindow, 0, stream, 4)
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

// DecodeWindow decodes a Window's payload: so many bytes more.
func DecodeWindow(p []byte) (int, error) {
	if len(p) != 4 {
		return 0, Errorf(p, "a Window of %d bytes", len(p))
	}
	n := binary.BigEndian.Uint32(p)
	if n > 1<<30 {
		return 0, Errorf(p, "a Window of %d more bytes", n)
	}
	return int(n), nil
}
