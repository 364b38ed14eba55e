package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// A file is
//
//	body    the Answer's
//	sums    a checksum of each block of the body
//	heads   two places of the same length; the valid one with the higher number counts
//	footer
//
// The body comes first, so that it can be written before its length, and the rest, is known. A head
// has
//
//	number u64, length u32, checksum u32 of the identity, number, length and the rest;
//	the Answer without its body, encoded
//
// and the footer, in this order, with the lowest byte first:
const (
	footMagic   = 0  // 8 bytes
	footVersion = 8  // u16, and two bytes of 0
	footPlace   = 12 // u32: the length of the place of a head
	footSize    = 16 // u64: the length of the body
	footID      = 24 // 16 bytes: the identity, which is random
	footKey     = 40 // 32 bytes
	footSums    = 72 // u32: checksum of the sums
	footSum     = 76 // u32: checksum of the footer
	footLen     = 80
)

const (
	magic   = "spcache\n"
	version = 1
)

const (
	headFixed = 16
	maxPlace  = 4 << 20  // of one head
	maxBody   = 64 << 30 // its sums are 4 MiB
)

// blockLen is the length of a block, but the last one.
const blockLen = 64 << 10

var errDamaged = errors.New("the file is damaged")

func damaged(what string) error { return fmt.Errorf("%w: %s", errDamaged, what) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(p []byte) uint32 { return crc32.Checksum(p, castagnoli) }

// footer is what the end of a file says.
type footer struct {
	id    [16]byte
	key   [32]byte
	size  int64 // of the body
	place int64 // of one head
	sums  uint32
}

// blocks is how many blocks a body has.
func blocks(size int64) int64 { return (size + blockLen - 1) / blockLen }

// tail is the length of all that follows the body.
func (f *footer) tail() int64 { return 4*blocks(f.size) + 2*f.place + footLen }

// heads is where the first head is.
func (f *footer) heads() int64 { return f.size + 4*blocks(f.size) }

// parseFooter decodes the last footLen bytes of a file of length bytes.
func parseFooter(p []byte, length int64) (f footer, err error) {
	if len(p) != footLen || string(p[:footVersion]) != magic {
		return f, damaged("it is no file of the cache")
	}
	if v := binary.LittleEndian.Uint16(p[footVersion:]); v != version {
		return f, damaged(fmt.Sprintf("it has format %d", v))
	}
	if sum(p[:footSum]) != binary.LittleEndian.Uint32(p[footSum:]) {
		return f, damaged("checksum of the footer")
	}
	size := binary.LittleEndian.Uint64(p[footSize:])
	f.place = int64(binary.LittleEndian.Uint32(p[footPlace:]))
	f.sums = binary.LittleEndian.Uint32(p[footSums:])
	copy(f.id[:], p[footID:])
	copy(f.key[:], p[footKey:])
	if size > maxBody || f.place < headFixed || f.place > maxPlace {
		return f, damaged("its lengths")
	}
	f.size = int64(size)
	if f.size+f.tail() != length {
		return f, damaged(fmt.Sprintf("it has %d bytes instead of %d", length, f.size+f.tail()))
	}
	return f, nil
}

func (f *footer) append(p []byte) []byte {
	start := len(p)
	p = append(p, magic...)
	p = binary.LittleEndian.AppendUint16(p, version)
	p = append(p, 0, 0)
	p = binary.LittleEndian.AppendUint32(p, uint32(f.place))
	p = binary.LittleEndian.AppendUint64(p, uint64(f.size))
	p = append(p, f.id[:]...)
	p = append(p, f.key[:]...)
	p = binary.LittleEndian.AppendUint32(p, f.sums)
	return binary.LittleEndian.AppendUint32(p, sum(p[start:]))
}

// headSum is the checksum of a head: the place p with its length, number and checksum.
func headSum(id [16]byte, p []byte) uint32 {
	s := crc32.Update(0, castagnoli, id[:])
	s = crc32.Update(s, castagnoli, p[:12])
	return crc32.Update(s, castagnoli, p[headFixed:])
}

// appendHead appends a head, without what is left of its place.
func appendHead(p []byte, id [16]byte, number uint64, head []byte) []byte {
	start := len(p)
	p = binary.LittleEndian.AppendUint64(p, number)
	p = binary.LittleEndian.AppendUint32(p, uint32(len(head)))
	p = append(p, 0, 0, 0, 0)
	p = append(p, head...)
	binary.LittleEndian.PutUint32(p[start+12:], headSum(id, p[start:]))
	return p
}

// parseHead decodes what is in the place of a head; not ok: it is damaged, or empty.
func (f *footer) parseHead(p []byte) (head []byte, number uint64, ok bool) {
	n := int64(binary.LittleEndian.Uint32(p[8:]))
	if number = binary.LittleEndian.Uint64(p); number == 0 || n > int64(len(p))-headFixed {
		return nil, 0, false
	}
	p = p[:headFixed+n]
	if headSum(f.id, p) != binary.LittleEndian.Uint32(p[12:]) {
		return nil, 0, false
	}
	return p[headFixed:], number, true
}

// newest returns the head that counts of both places, its number, and which place it is in.
func (f *footer) newest(heads []byte) (head []byte, number uint64, place int, err error) {
	a, na, okA := f.parseHead(heads[:f.place])
	b, nb, okB := f.parseHead(heads[f.place:])
	switch {
	case !okA && !okB:
		return nil, 0, 0, damaged("checksum of the head")
	case okA && (!okB || na > nb):
		return a, na, 0, nil
	}
	return b, nb, 1, nil
}

// placeFor is the length of a place for a head of n bytes: with some room for the next one.
func placeFor(n int) int64 { return (int64(headFixed+n) + 128 + 127) &^ 127 }

// appendTail appends all that follows a body.
func appendTail(p []byte, f *footer, sums []uint32, head []byte) []byte {
	start := len(p)
	for _, s := range sums {
		p = binary.LittleEndian.AppendUint32(p, s)
	}
	f.sums = sum(p[start:])
	start = len(p)
	p = appendHead(p, f.id, 1, head)
	p = append(p, make([]byte, start+int(2*f.place)-len(p))...)
	return f.append(p)
}

// contents are what a file has, but those of a large body.
type contents struct {
	footer
	head    []byte
	number  uint64 // of the head
	current int    // which place it is in
	sums    []uint32
	body    []byte // of up to one block, which was verified; nil: it is longer
}

// readAhead is how much of the end of a file is read at once; bytes.
const readAhead = 8 << 10

// readContents reads a file of length bytes, and verifies what it returns. Errors: errDamaged, or
// those of r.
func readContents(r io.ReaderAt, length int64) (*contents, error) {
	if length < footLen {
		return nil, damaged("it is too short")
	}
	n := min(length, readAhead)
	end := make([]byte, n)
	if err := readFull(r, end, length-n); err != nil {
		return nil, err
	}
	f, err := parseFooter(end[n-footLen:], length)
	if err != nil {
		return nil, err
	}
	need := f.tail()
	if f.size <= blockLen {
		need = length
	}
	if need > math.MaxInt32 {
		return nil, damaged("its lengths")
	}
	if need > n {
		all := make([]byte, need)
		copy(all[need-n:], end)
		if err := readFull(r, all[:need-n], length-need); err != nil {
			return nil, err
		}
		end = all
	} else {
		end = end[n-need:]
	}
	return f.contents(end)
}

// readHead reads what a file says without its body and its sums.
func readHead(r io.ReaderAt, length int64) (*contents, error) {
	if length < footLen {
		return nil, damaged("it is too short")
	}
	n := min(length, readAhead/2)
	end := make([]byte, n)
	if err := readFull(r, end, length-n); err != nil {
		return nil, err
	}
	f, err := parseFooter(end[n-footLen:], length)
	if err != nil {
		return nil, err
	}
	if need := 2*f.place + footLen; need > n {
		end = make([]byte, need)
		if err := readFull(r, end, length-need); err != nil {
			return nil, err
		}
		n = need
	}
	c := &contents{footer: f}
	c.head, c.number, c.current, err = f.newest(end[n-footLen-2*f.place : n-footLen])
	return c, err
}

// contents decodes p, which ends where the file ends. With a body of up to one block it is all of it.
func (f *footer) contents(p []byte) (*contents, error) {
	c := &contents{footer: *f}
	if f.size <= blockLen {
		c.body, p = p[:f.size:f.size], p[f.size:]
	}
	table := p[:4*blocks(f.size)]
	if sum(table) != f.sums {
		return nil, damaged("checksum of the sums")
	}
	c.sums = make([]uint32, blocks(f.size))
	for i := range c.sums {
		c.sums[i] = binary.LittleEndian.Uint32(table[4*i:])
	}
	if len(c.body) > 0 && sum(c.body) != c.sums[0] {
		return nil, damaged("checksum of the body")
	}
	var err error
	c.head, c.number, c.current, err = f.newest(p[len(table) : int64(len(table))+2*f.place])
	return c, err
}

// readFull reads len(p) bytes at off; a file that ends before is damaged.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == io.EOF || err == nil {
		return damaged("it has become shorter")
	}
	return err
}
