package wire

import (
	"encoding/binary"
	"fmt"
)

// Kind says what a frame is.
type Kind uint8

// The kinds of PROTOCOL.md.
const (
	KindHello       Kind = 0x01
	KindBoot        Kind = 0x02
	KindReady       Kind = 0x03
	KindFailed      Kind = 0x04
	KindRequest     Kind = 0x10
	KindBody        Kind = 0x11
	KindHead        Kind = 0x12
	KindEnd         Kind = 0x13
	KindError       Kind = 0x14
	KindWindow      Kind = 0x15
	KindLog         Kind = 0x16
	KindBodyWanted  Kind = 0x17
	KindEarlyHints  Kind = 0x18
	KindFileTaken   Kind = 0x19
	KindFileRefused Kind = 0x1A
	KindCancel      Kind = 0x20
	KindRecall      Kind = 0x21
	KindRecalled    Kind = 0x22
	KindDump        Kind = 0x23
	KindStacks      Kind = 0x24
	KindStop        Kind = 0x25
	KindInterrupt   Kind = 0x26
	KindFile        Kind = 0x27
	KindMemory      Kind = 0x28
	KindPurge       Kind = 0x29
	KindPurged      Kind = 0x2A
	KindDebug       Kind = 0x2B
	KindTerminal    Kind = 0x2C
	KindDebugEnd    Kind = 0x2D
	KindFork        Kind = 0x30
	KindForked      Kind = 0x31
	KindForkFailed  Kind = 0x32
)

// Flags are a frame's flag bits.
type Flags uint16

const (
	// FlagEnd: the last bytes of body of this direction are in this frame.
	FlagEnd Flags = 0x0001
	// FlagHold: the answer ends with this frame, but the worker is busy with the
	// stream until a further End (standpipe.after_response).
	FlagHold Flags = 0x0002
	// FlagFile, on a Head: the body is the file that comes over the control socket.
	FlagFile Flags = 0x0004
	// FlagShared: the bytes of body lie in the shared memory, and the frame says where.
	FlagShared Flags = 0x0008
)

// Sizes, in bytes.
const (
	// HeaderSize is the length of a frame's header.
	HeaderSize = 12
	// MaxInline bounds the bytes of body of one frame of ours.
	MaxInline = 64 << 10
	// MaxHead bounds the msgpack of a Request or a Head.
	MaxHead = 1 << 20
	// MaxFields bounds the fields of a Head.
	MaxFields = 16 << 10
	// MaxDeclared bounds the folders of a Ready, MaxPath the sys_path of a Failed, MaxPairs
	// the pairs of a Log.
	MaxDeclared = 4096
	MaxPath     = 4096
	MaxPairs    = 256
	// Window is the credit that each direction of each stream starts with.
	Window = 256 << 10
	// MaxPart bounds the bytes of body of one frame of a worker's: an answer of this
	// size comes in one.
	MaxPart = Window
	// MaxNoise is how far the nonce is looked for in a new worker's output.
	MaxNoise = 1 << 20

	// MaxRecalled bounds the streams of one Recall.
	MaxRecalled = maxRecall / 4

	magic     = 0xC1
	maxRecall = 1024
)

// kinds holds the name and the ceiling of the payload of each kind.
var kinds = [256]struct {
	name    string
	ceiling int
	known   bool
}{
	KindHello:       {"Hello", 64 << 10, true},
	KindBoot:        {"Boot", 1 << 20, true},
	KindReady:       {"Ready", 1 << 20, true},
	KindFailed:      {"Failed", 1 << 20, true},
	KindRequest:     {"Request", 4 + MaxHead + MaxInline, true},
	KindBody:        {"Body", MaxPart, true},
	KindHead:        {"Head", 4 + MaxHead + MaxPart, true},
	KindEnd:         {"End", 0, true},
	KindError:       {"Error", 1 << 20, true},
	KindWindow:      {"Window", 4, true},
	KindLog:         {"Log", 1 << 20, true},
	KindBodyWanted:  {"BodyWanted", 0, true},
	KindEarlyHints:  {"EarlyHints", 64 << 10, true},
	KindFileTaken:   {"FileTaken", 0, true},
	KindFileRefused: {"FileRefused", 0, true},
	KindCancel:      {"Cancel", 0, true},
	KindRecall:      {"Recall", maxRecall, true},
	KindRecalled:    {"Recalled", maxRecall, true},
	KindDump:        {"Dump", 0, true},
	KindStacks:      {"Stacks", 1 << 20, true},
	KindStop:        {"Stop", 0, true},
	KindInterrupt:   {"Interrupt", 1, true},
	KindFile:        {"File", 16, true},
	KindMemory:      {"Memory", 0, true},
	KindPurge:       {"Purge", 256 << 10, true},
	KindPurged:      {"Purged", 64 << 10, true},
	KindDebug:       {"Debug", 4 << 10, true},
	KindTerminal:    {"Terminal", 4 << 10, true},
	KindDebugEnd:    {"DebugEnd", 0, true},
	KindFork:        {"Fork", 16, true},
	KindForked:      {"Forked", 4, true},
	KindForkFailed:  {"ForkFailed", 64 << 10, true},
}

func (k Kind) String() string {
	if kinds[k].known {
		return kinds[k].name
	}
	return fmt.Sprintf("Kind(%#02x)", uint8(k))
}

// Frame is one unit on the pipe.
type Frame struct {
	Kind    Kind
	Flags   Flags
	Stream  uint32
	Payload []byte
}

// End reports whether the frame carries the last bytes of body of its direction.
func (f Frame) End() bool { return f.Flags&FlagEnd != 0 }

// Shared reports whether the bytes of body lie in the shared memory.
func (f Frame) Shared() bool { return f.Flags&FlagShared != 0 }

// Holds reports whether the stream stays open after the answer's end.
func (f Frame) Holds() bool { return f.Flags&FlagHold != 0 }

func (f Frame) legalFlags() bool {
	switch f.Kind {
	case KindRequest:
		return f.Flags&^FlagShared == FlagEnd
	case KindHead, KindBody:
		switch f.Flags &^ FlagShared {
		case 0, FlagEnd, FlagEnd | FlagHold:
			return true
		}
		return f.Kind == KindHead && f.Flags == FlagFile
	case KindEnd, KindError:
		return f.Flags == FlagHold
	}
	return false
}

// AppendHeader appends a frame's header for a payload of n bytes.
func AppendHeader(b []byte, k Kind, fl Flags, stream uint32, n int) []byte {
	b = append(b, magic, byte(k))
	b = binary.BigEndian.AppendUint16(b, uint16(fl))
	b = binary.BigEndian.AppendUint32(b, stream)
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

// AppendFrame appends a whole frame.
func AppendFrame(b []byte, f Frame) []byte {
	b = AppendHeader(b, f.Kind, f.Flags, f.Stream, len(f.Payload))
	return append(b, f.Payload...)
}

// ParseHeader reads the header at the start of b, which holds at least
// HeaderSize bytes, and returns the frame without its payload and the
// payload's length. What breaks a rule of PROTOCOL.md is a *ProtocolError.
func ParseHeader(b []byte) (Frame, int, error) {
	if b[0] != magic {
		return Frame{}, 0, Errorf(b, "no frame begins here (something else writes on this worker's stdout)")
	}
	f := Frame{Kind: Kind(b[1]), Flags: Flags(binary.BigEndian.Uint16(b[2:])), Stream: binary.BigEndian.Uint32(b[4:])}
	n := binary.BigEndian.Uint32(b[8:])
	k := &kinds[f.Kind]
	switch {
	case !k.known:
		return Frame{}, 0, Errorf(b, "unknown kind of frame %#02x", b[1])
	case f.Flags != 0 && !f.legalFlags():
		return Frame{}, 0, Errorf(b, "%v frame with flags %#04x", f.Kind, uint16(f.Flags))
	case uint64(n) > uint64(k.ceiling):
		return Frame{}, 0, Errorf(b, "%v frame of %d bytes; the ceiling is %d", f.Kind, n, k.ceiling)
	}
	return f, int(n), nil
}
