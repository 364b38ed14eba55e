package wire

import (
	"encoding/binary"
	"math"
)

// A template's orders and answers (PROTOCOL.md, "Preload"). They travel on its
// control socket, which no Conn reads.

// AppendFork appends a Fork frame; nonce are the 16 bytes that the worker will
// begin with.
func AppendFork(b, nonce []byte) []byte {
	return AppendFrame(b, Frame{Kind: KindFork, Payload: nonce})
}

// DecodeForked decodes a Forked's payload: the worker's process number. Whether
// there is such a process, and whose it is, is for the caller to see.
func DecodeForked(p []byte) (pid int, err error) {
	if len(p) != 4 {
		return 0, Errorf(p, "a Forked of %d bytes", len(p))
	}
	n := binary.BigEndian.Uint32(p)
	if n < 2 || n > math.MaxInt32 { // 0 and 1, and what an int32 makes negative, mean groups and all processes to kill(2)
		return 0, Errorf(p, "a Forked with the process number %d", n)
	}
	return int(n), nil
}

// DecodeForkFailed decodes a ForkFailed's payload: why there is no worker.
func DecodeForkFailed(p []byte) (why string, err error) { return DecodeText(p) }
