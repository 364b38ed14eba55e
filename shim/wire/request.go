package wire

import (
	"encoding/binary"
	"math/bits"
	"strings"

	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// Var is one entry of a request's environ. The bytes of Value become a Python
// str by latin-1 (PEP 3333, "native strings").
type Var struct {
	Name, Value string
	// Known is 1 + the place of Name in Names; 0: it is not said, or not there.
	Known uint8
}

// AppendRequest appends a Request frame: the environ, and the first bytes of
// the body, at most MaxInline. A head above MaxHead is a *ProtocolError, and b
// comes back as it was. Each name is once in vars.
func AppendRequest(b []byte, stream uint32, fl Flags, vars []Var, body []byte) ([]byte, error) {
	start := len(b)
	b = AppendHeader(b, KindRequest, fl, stream, 0)
	b = append(b, 0, 0, 0, 0)
	at := len(b)
	b = appendEnviron(b, vars)
	n := len(b) - at
	if n > MaxHead || len(body) > MaxInline {
		return b[:start], Errorf(nil, "a request with an environ of %d and %d bytes of body in one frame", n, len(body))
	}
	b = append(b, body...)
	binary.BigEndian.PutUint32(b[at-4:], uint32(n))
	binary.BigEndian.PutUint32(b[start+8:], uint32(4+n+len(body)))
	return b, nil
}

// appendEnviron appends the array of three: which of Names there are, their values
// with a NUL between them, and a map of everything else. A value that holds a NUL
// itself goes into the map.
func appendEnviron(b []byte, vars []Var) []byte {
	var (
		place [len(Names)]uint8 // by name: 1 + its index in vars
		mask  uint64
		size  int // bytes of the values and of the NULs behind them
		rest  int
	)
	for i := range vars {
		v := &vars[i]
		if v.Known == 0 || i >= 255 || strings.IndexByte(v.Value, 0) >= 0 {
			rest++
			continue
		}
		place[v.Known-1] = uint8(i + 1)
		mask |= 1 << (v.Known - 1)
		size += len(v.Value) + 1
	}
	b = append(b, 0x93, 0xcf)
	b = binary.BigEndian.AppendUint64(b, mask)
	b = appendBinLen(b, max(size-1, 0))
	for m := mask; m != 0; m &= m - 1 {
		if m != mask {
			b = append(b, 0)
		}
		b = append(b, vars[place[bits.TrailingZeros64(m)]-1].Value...)
	}
	b = appendMapLen(b, rest)
	for i := range vars {
		if rest == 0 {
			break
		}
		if v := &vars[i]; v.Known == 0 || place[v.Known-1] != uint8(i+1) || i >= 255 {
			b = appendStr(b, v.Name)
			b = appendBin(b, v.Value)
			rest--
		}
	}
	return b
}

// DecodeRequest parts a Request's payload. body is a part of p.
func DecodeRequest(p []byte) (vars []Var, body []byte, err error) {
	head, body, err := splitHead(p)
	if err != nil {
		return nil, nil, err
	}
	w := newWalker(head)
	defer w.free()
	if n, err := w.arrayLen(); err != nil || n != 3 || len(head) < 2 || head[1] != msgpcode.Uint64 {
		return nil, nil, Errorf(head, "a Request that is not an array of three, the first of them eight bytes of names")
	}
	mask, err := w.uint64()
	if err != nil {
		return nil, nil, err
	}
	if mask>>len(Names) != 0 {
		return nil, nil, Errorf(head, "a Request with a name beyond the table")
	}
	joined, err := w.bin()
	if err != nil {
		return nil, nil, err
	}
	values := strings.SplitN(joined, "\x00", len(Names)+1)
	if mask == 0 && joined == "" {
		values = nil
	}
	if len(values) != bits.OnesCount64(mask) {
		return nil, nil, Errorf(head, "a Request with %d values for %d names", len(values), bits.OnesCount64(mask))
	}
	for _, v := range values {
		i := bits.TrailingZeros64(mask)
		mask &= mask - 1
		vars = append(vars, Var{Names[i], v, uint8(i + 1)})
	}
	err = w.pairs(func(key string) error {
		v, err := w.bin()
		vars = append(vars, Var{Name: key, Value: v})
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return vars, body, w.end()
}
