package wire_test

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/shim/wire"
)

// hostile are the starts of msgpack values that make a trusting decoder take all
// memory or all stack.
var hostile = []string{"\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff", "\xc6\xff\xff\xff\xff", "\xdb\xff\xff\xff\xff",
	strings.Repeat("\x91", 1<<20), strings.Repeat("\x81\xa1a", 1<<18), "\xc9\xff\xff\xff\xff\x01", "\xc1", ""}

// FuzzFrames reads frames from arbitrary bytes: errors, never a panic, and a
// frame that is accepted is written again as the same bytes.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("\xc1\x11\x00\x01\x00\x00\x00\x07\x00\x00\x00\x03abc"))
	f.Add([]byte("\xc1\x11\x00\x00\x00\x00\x00\x01\xff\xff\xff\xff"))
	f.Add([]byte("\xc1\x17\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00"))
	f.Add(wire.AppendHead(nil, 5, &wire.Head{Status: "200 OK", Fields: []wire.Field{{Name: "A", Value: "b"}}}, []byte("x"), true))
	f.Fuzz(func(t *testing.T, data []byte) {
		fr := wire.NewReader(bytes.NewReader(data))
		at := 0
		for {
			fm, err := fr.Next()
			if err != nil {
				if err == io.EOF && at != len(data) {
					t.Fatalf("the end after %d of %d bytes", at, len(data))
				}
				return
			}
			again := wire.AppendFrame(nil, fm)
			if !bytes.HasPrefix(data[at:], again) {
				t.Fatalf("read %q, wrote %q", data[at:], again)
			}
			at += len(again)
		}
	})
}

// FuzzWalk walks arbitrary bytes as each message of a worker's. No message takes
// more memory than a small multiple of its bytes.
func FuzzWalk(f *testing.F) {
	for kind := range uint8(13) {
		for _, h := range hostile {
			f.Add(kind, []byte(h))
			f.Add(kind, []byte("\x81\xa4type"+h))
		}
	}
	f.Add(uint8(0), wire.AppendHead(nil, 1, &wire.Head{Status: "200 OK", Fields: []wire.Field{{Name: "A", Value: "b"}}}, nil, true)[wire.HeaderSize:])
	f.Add(uint8(8), []byte{0, 0, 0, 1})
	f.Add(uint8(8), []byte{0xff, 0xff, 0xff, 0xff})
	f.Add(uint8(10), []byte("\x85\xa4urls\x91\xa2/a\xa8prefixes\x90\xa6groups\x91\xa3p-1\xa3all\xc2\xa4soft\xc3"))
	f.Add(uint8(10), []byte("\x82\xa3all\xc3\xa6groups\x91\xa1g"))
	f.Add(uint8(10), []byte("\x81\xa6groups\xdc\x04\x01"+strings.Repeat("\xa1g", 1025)))
	for _, v := range detailVectors(f) {
		f.Add(uint8(11), v.payload)
		f.Add(uint8(5), append([]byte("\x81\xa6detail\xc5"), append([]byte{byte(len(v.payload) >> 8), byte(len(v.payload))}, v.payload...)...))
	}
	f.Add(uint8(12), []byte("\x83\xa6stream\x07\xa2at\xabviews.py:12\xa8debugger\xa3pdb"))
	f.Add(uint8(12), []byte("\x81\xa6stream\xcf\x00\x00\x00\x01\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) { walk(kind, data) })
}

func walk(kind uint8, data []byte) {
	switch kind % 13 {
	case 0:
		_, _, _ = wire.DecodeHead(data)
	case 1:
		_, _, _ = wire.DecodeRequest(data)
	case 2:
		_, _ = wire.DecodeHello(data)
	case 3:
		_, _ = wire.DecodeReady(data)
	case 4:
		_, _ = wire.DecodeFailed(data)
	case 5:
		_, _ = wire.DecodeError(data)
	case 6:
		_, _ = wire.DecodeLog(data)
	case 7:
		_, _ = wire.DecodeEarlyHints(data)
	case 8:
		if pid, err := wire.DecodeForked(data); err == nil && pid < 2 {
			panic("a Forked that is not one process")
		}
	case 9:
		_, _ = wire.DecodeForkFailed(data)
	case 10:
		if m, err := wire.DecodePurge(data); err == nil && len(m.URLs)+len(m.Prefixes)+len(m.Groups) > wire.MaxPurged {
			panic("a Purge of more than there may be")
		}
	case 11:
		if m, err := wire.DecodeDetail(data); err == nil {
			for i, e := range m.Exceptions {
				if e.Parent > i || i > 0 && e.Parent == i {
					panic("an exception that comes from itself")
				}
				for _, f := range e.Frames {
					if f.Line < 0 || f.From < 0 || len(f.Locals)%2 != 0 {
						panic("a frame that no page can show")
					}
				}
			}
		}
	case 12:
		if m, err := wire.DecodeDebug(data); err == nil && len(m.At)+len(m.Debugger) > wire.MaxDebugAt+wire.MaxDebugger {
			panic("a Debug with longer texts than there may be")
		}
	}
}

func TestHostileLengthsTakeNoMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := uint64(0)
	for kind := range uint8(13) {
		for _, h := range hostile {
			for _, prefix := range []string{"", "\x00\x00\x00\x05", "\x81\xa4type", "\x81\xa8sys_path", "\x81\xa6groups", "\x81\xaaexceptions", "\x81\xaaexceptions\x91\x81\xa6frames", "\x81\xa8sections\x91\x81\xa5pairs"} {
				walk(kind, []byte(prefix+h))
				n += uint64(len(prefix) + len(h))
			}
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 4*n {
		t.Errorf("%d bytes of messages took %d bytes of memory", n, took)
	}
}

// A header's length takes no memory that its bytes do not fill: twice the ceiling at most.
func TestLargestFramesTakeNoMoreThanTwiceTheCeiling(t *testing.T) {
	const ceiling = 4 + wire.MaxHead + wire.MaxPart
	for _, have := range []int{0, 1, ceiling / 2, ceiling} {
		data := wire.AppendHeader(nil, wire.KindHead, 0, 1, ceiling)
		data = append(data, make([]byte, have)...)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f, err := wire.NewReader(bytes.NewReader(data)).Next()
		runtime.ReadMemStats(&after)
		if (err == nil) != (have == ceiling) || err == nil && len(f.Payload) != ceiling {
			t.Errorf("%d bytes of %d: %v", have, ceiling, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 2*ceiling+128<<10 {
			t.Errorf("%d bytes of %d took %d bytes of memory", have, ceiling, took)
		}
	}
}
