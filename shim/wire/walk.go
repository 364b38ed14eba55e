package wire

import (
	"bytes"
	"sync"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// maxDepth is how deep a worker's values may nest.
const maxDepth = 4

// walker goes over one msgpack value in bytes already read. The library reads
// codes and lengths; each length is compared with the bytes left before
// anything is allocated or looped over, because the library itself would take
// four GiB for five hostile bytes.
type walker struct {
	data []byte
	rd   bytes.Reader
	dec  *msgpack.Decoder
}

var walkers = sync.Pool{New: func() any { return &walker{dec: msgpack.NewDecoder(nil)} }}

func newWalker(data []byte) *walker {
	w := walkers.Get().(*walker)
	w.data = data
	w.rd.Reset(data)
	w.dec.Reset(&w.rd)
	return w
}

// free gives the walker back; the bytes it walked are not kept.
func (w *walker) free() {
	w.data = nil
	w.rd.Reset(nil)
	walkers.Put(w)
}

func (w *walker) left() int { return w.rd.Len() }

func (w *walker) bad(what string) error {
	return Errorf(w.data[len(w.data)-w.left():], "malformed msgpack: %s", what)
}

// bytes returns a str or bin, as a part of data.
func (w *walker) bytes() ([]byte, error) {
	n, err := w.dec.DecodeBytesLen()
	if err != nil || n < 0 {
		return nil, w.bad("a str or bin is missing")
	}
	if n > w.left() {
		return nil, w.bad("a length beyond the end")
	}
	at := len(w.data) - w.left()
	if _, err := w.rd.Seek(int64(n), 1); err != nil {
		return nil, w.bad(err.Error())
	}
	return w.data[at : at+n : at+n], nil
}

func (w *walker) str() (string, error) {
	b, err := w.bytes()
	return string(b), err
}

// bin returns bytes that are no str.
func (w *walker) bin() (string, error) {
	if c, err := w.dec.PeekCode(); err != nil || !msgpcode.IsBin(c) {
		return "", w.bad("a bin is missing")
	}
	return w.str()
}

// key returns a map's key, which is a str and nothing else.
func (w *walker) key() (string, error) {
	if c, err := w.dec.PeekCode(); err != nil || !msgpcode.IsString(c) {
		return "", w.bad("a key that is no str")
	}
	return w.str()
}

// arrayLen returns the length of an array whose elements are still to be walked.
func (w *walker) arrayLen() (int, error) {
	n, err := w.dec.DecodeArrayLen()
	if err != nil || n < 0 {
		return 0, w.bad("an array is missing")
	}
	if n > w.left() { // each element takes a byte at least
		return 0, w.bad("an array longer than the rest")
	}
	return n, nil
}

// mapLen returns the number of pairs of a map that are still to be walked.
func (w *walker) mapLen() (int, error) {
	n, err := w.dec.DecodeMapLen()
	if err != nil || n < 0 {
		return 0, w.bad("a map is missing")
	}
	if n > w.left()/2 {
		return 0, w.bad("a map longer than the rest")
	}
	return n, nil
}

func (w *walker) integer() (int, error) {
	c, err := w.dec.PeekCode()
	if err != nil || !(msgpcode.IsFixedNum(c) || c >= msgpcode.Uint8 && c <= msgpcode.Int64) {
		return 0, w.bad("an integer is missing")
	}
	n, err := w.dec.DecodeInt64()
	if err != nil {
		return 0, w.bad("an integer is missing")
	}
	return int(n), nil
}

// uint64 returns an integer that is not below 0.
func (w *walker) uint64() (uint64, error) {
	c, err := w.dec.PeekCode()
	if err != nil || !(c <= msgpcode.PosFixedNumHigh || c >= msgpcode.Uint8 && c <= msgpcode.Uint64) {
		return 0, w.bad("an integer of 0 or more is missing")
	}
	n, err := w.dec.DecodeUint64()
	if err != nil {
		return 0, w.bad("an integer of 0 or more is missing")
	}
	return n, nil
}

func (w *walker) boolean() (bool, error) {
	b, err := w.dec.DecodeBool()
	if err != nil {
		return false, w.bad("a boolean is missing")
	}
	return b, nil
}

// skip passes over one value that nests at most depth further levels.
func (w *walker) skip(depth int) error {
	c, err := w.dec.PeekCode()
	if err != nil {
		return w.bad("a value is missing")
	}
	var n int
	isMap := false
	switch {
	case msgpcode.IsFixedMap(c), c == msgpcode.Map16, c == msgpcode.Map32:
		if n, err = w.mapLen(); err != nil {
			return err
		}
		isMap = true
	case msgpcode.IsFixedArray(c), c == msgpcode.Array16, c == msgpcode.Array32:
		if n, err = w.arrayLen(); err != nil {
			return err
		}
	case msgpcode.IsString(c), msgpcode.IsBin(c):
		_, err = w.bytes()
		return err
	case c == msgpcode.Nil:
		return w.dec.DecodeNil()
	case c == msgpcode.True, c == msgpcode.False:
		_, err = w.boolean()
		return err
	default:
		_, err = w.integer()
		return err
	}
	if depth == 0 {
		return w.bad("nested too deeply")
	}
	for ; n > 0; n-- {
		if isMap {
			if _, err := w.key(); err != nil {
				return err
			}
		}
		if err := w.skip(depth - 1); err != nil {
			return err
		}
	}
	return nil
}

// end checks that nothing follows the value.
func (w *walker) end() error {
	if w.left() > 0 {
		return w.bad("bytes after the value")
	}
	return nil
}

// walkMap calls field for each key of the map that is the whole of data. field
// takes the value off w and returns true, or returns false for a key it does not
// know, which is skipped.
func walkMap(data []byte, field func(w *walker, key string) (bool, error)) error {
	w := newWalker(data)
	defer w.free()
	err := w.pairs(func(key string) error {
		known, err := field(w, key)
		if err == nil && !known {
			err = w.skip(maxDepth - 1)
		}
		return err
	})
	if err != nil {
		return err
	}
	return w.end()
}

// pairs calls value for each key of a map; value takes the value off w.
func (w *walker) pairs(value func(key string) error) error {
	n, err := w.mapLen()
	if err != nil {
		return err
	}
	for ; n > 0; n-- {
		key, err := w.key()
		if err != nil {
			return err
		}
		if err := value(key); err != nil {
			return err
		}
	}
	return nil
}

// count returns the length of an array of at most most elements: each takes more memory
// here than the one byte that it may take there.
func (w *walker) count(most int, what string) (int, error) {
	n, err := w.arrayLen()
	if err == nil && n > most {
		return 0, Errorf(nil, "%d %s; at most %d", n, what, most)
	}
	return n, err
}

// texts walks an array of at most so many strings.
func (w *walker) texts(most int) (list []string, err error) {
	n, err := w.arrayLen()
	if err == nil && n > most {
		err = w.bad("an array of fewer strings")
	}
	for ; n > 0 && err == nil; n-- {
		var s string
		s, err = w.str()
		list = append(list, s)
	}
	return list, err
}

// DecodeText decodes a payload that is one str (Stacks).
func DecodeText(p []byte) (string, error) {
	w := newWalker(p)
	defer w.free()
	s, err := w.str()
	if err != nil {
		return "", err
	}
	return s, w.end()
}
