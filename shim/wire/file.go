package wire

import (
	"encoding/binary"
	"math"
)

// DecodeFile decodes a File's payload: offset and length in bytes, whose sum fits into
// an int64. Errors are *ProtocolError.
func DecodeFile(b []byte) (offset, length int64, err error) {
	if len(b) != 16 {
		return 0, 0, Errorf(b, "a File of %d bytes", len(b))
	}
	o, n := binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	if o > math.MaxInt64 || n > math.MaxInt64-o {
		return 0, 0, Errorf(b, "a File of %d bytes from %d on", n, o)
	}
	return int64(o), int64(n), nil
}
