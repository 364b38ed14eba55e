package wire

import (
	"encoding/binary"
	"fmt"
	"io"
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
	KindFork        Kind = 0x30
	KindForked      Kind = 0x31
	KindForkFailed  Kind = 0x32
)

// Flags are a frame's flag bits.
type Flags uint16

const (
	// FlagEnd: the last body octets of this direction are in this frame.
	FlagEnd Flags = 0x0001
	// FlagHold: the answer ends with this frame, but the worker is busy with the
	// stream until a further End (standpipe.after_response).
	FlagHold Flags = 0x0002
	// FlagFile, on a Head: the body is the file that comes over the control socket.
	FlagFile Flags = 0x0004
	// FlagShared: the body octets lie in the shared memory, and the frame says where.
	FlagShared Flags = 0x0008
)

// Sizes, in octets.
const (
	// HeaderSize is the length of a frame's header.
	HeaderSize = 12
	// MaxInline bounds the body octets of one frame of ours.
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
	// MaxPart bounds the body octets of one frame of a worker's: an answer of this
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

// End reports whether the frame carries the last body octets of its direction.
func (f Frame) End() bool { return f.Flags&FlagEnd != 0 }

// Shared reports whether the body octets lie in the shared memory.
func (f Frame) Shared() bool { return f.Flags&FlagShared != 0 }

// Held reports whether the stream stays open after the answer's end.
func (f Frame) Held() bool { return f.Flags&FlagHold != 0 }

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

// AppendHeader appends a frame's header for a payload of n octets.
func AppendHeader(b []byte, k Kind, fl Flags, stream uint32, n int) []byte {
	b = append(b, magic, byte(k))
	b = binary.BigEndian.AppendUint16(b, uint16(fl))
	b = binary.BigEndian.AppendUint32(b, stream)
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

// AppendWindow appends a Window frame: n more bytes may come.
func AppendWindow(b []byte, stream uint32, n int) []byte {
	b = AppendHeader(b, KindWindow, 0, stream, 4)
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

// AppendFrame appends a whole frame.
func AppendFrame(b []byte, f Frame) []byte {
	b = AppendHeader(b, f.Kind, f.Flags, f.Stream, len(f.Payload))
	return append(b, f.Payload...)
}

// ParseHeader reads the header at the start of b, which holds at least
// HeaderSize octets, and returns the frame without its payload and the
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
		return Frame{}, 0, Errorf(b, "%v frame of %d octets; the ceiling is %d", f.Kind, n, k.ceiling)
	}
	return f, int(n), nil
}

// Reader takes frames off a stream of octets.
type Reader struct {
	r      io.Reader
	block  *Block
	buf    []byte // of block
	lo, hi int    // buf[lo:hi] has been read and not been taken
}

// readSize is how much is read when no more has been announced; octets. A Head with
// 64 KiB of body fits.
const readSize = 68 << 10

// NewReader returns a reader of frames from r.
func NewReader(r io.Reader) *Reader { return newReader(r, newBlock(readSize)) }

// NewReaderSize is NewReader with a first buffer of n bytes, for a pipe that is idle nearly always.
func NewReaderSize(r io.Reader, n int) *Reader {
	b := make(Block, n)
	return newReader(r, &b)
}

func newReader(r io.Reader, b *Block) *Reader { return &Reader{r: r, block: b, buf: *b} }

// Next returns the next frame. Its payload is valid until the following call.
// It returns io.EOF at the end between two frames, io.ErrUnexpectedEOF inside
// one, a *ProtocolError, or r's error; after an error only errors follow.
func (fr *Reader) Next() (Frame, error) {
	if err := fr.fill(HeaderSize); err != nil {
		return Frame{}, err
	}
	f, n, err := ParseHeader(fr.buf[fr.lo:fr.hi])
	if err != nil {
		// Show what follows as well, as far as it is here.
		pe := err.(*ProtocolError)
		pe.Saw = append(pe.Saw[:0], fr.buf[fr.lo:min(fr.hi, fr.lo+64)]...)
		return Frame{}, pe
	}
	if err := fr.fill(HeaderSize + n); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return Frame{}, err
	}
	f.Payload = fr.buf[fr.lo+HeaderSize : fr.lo+HeaderSize+n]
	fr.lo += HeaderSize + n
	return f, nil
}

// fill makes sure that n octets are at hand. n is bounded by the ceilings, so a
// large buffer is made only for a frame that was announced within them.
func (fr *Reader) fill(n int) error {
	if fr.hi-fr.lo >= n {
		return nil
	}
	if fr.lo == fr.hi {
		fr.lo, fr.hi = 0, 0
	}
	if fr.lo+n > len(fr.buf) {
		switch {
		case n > len(fr.buf):
			fr.move(newBlock(n)).Free()
		case len(fr.buf) > readSize && n <= readSize:
			fr.move(newBlock(readSize)).Free() // a large frame has passed: give its memory back
		default:
			fr.hi = copy(fr.buf, fr.buf[fr.lo:fr.hi])
			fr.lo = 0
		}
	}
	end := min(fr.lo+max(n, readSize), len(fr.buf)) // a large frame is read to its own end: what lies behind it would have to move
	for empty := 0; fr.hi-fr.lo < n; {
		m, err := fr.r.Read(fr.buf[fr.hi:end])
		fr.hi += m
		if fr.hi-fr.lo >= n {
			return nil
		}
		if err != nil {
			if err == io.EOF && fr.hi > fr.lo {
				return io.ErrUnexpectedEOF
			}
			return err
		}
		if m > 0 {
			empty = 0
		} else if empty++; empty > 100 {
			return io.ErrNoProgress
		}
	}
	return nil
}

// move goes on in another block, with what has not been taken, and returns the one
// that it was in.
func (fr *Reader) move(to *Block) *Block {
	from := fr.block
	fr.hi = copy(*to, fr.buf[fr.lo:fr.hi])
	fr.lo, fr.block, fr.buf = 0, to, *to
	return from
}

// Keep gives the block with the last payload away, of which n octets are wanted. nil:
// they are too few for so much memory, and have to be copied.
func (fr *Reader) Keep(n int) *Block {
	if n < len(fr.buf)/2 {
		return nil
	}
	return fr.move(newBlock(len(fr.buf)))
}
