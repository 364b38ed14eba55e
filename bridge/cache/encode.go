package cache

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"

	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// encoding is the version of the encoding, its first byte. Another version counts as damaged.
const encoding = 1

// ErrEncoding: the bytes are no encoded Answer, they are damaged, or another version has encoded them.
var ErrEncoding = errors.New("no encoded answer")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encodedTerms are Terms as JSON has them: an ETag may have bytes that are no UTF-8 (RFC 9110 8.8.3), which JSON would change.
type encodedTerms struct {
	rules.Terms
	ETag []byte
}

// Append appends an encoded without its Body: the version, the fields in their order, each text with
// its length before it and each list with its number, the Terms as JSON, and a checksum (CRC-32C) of
// all of it.
func (a *Answer) Append(p []byte) ([]byte, error) {
	terms, err := json.Marshal(&encodedTerms{a.Terms, []byte(a.Terms.ETag)})
	if err != nil {
		return p, err
	}
	start := len(p)
	p = append(p, encoding)
	p = append(p, a.ID[:]...)
	p = append(p, a.Key[:]...)
	p = appendText(p, a.App)
	p = appendText(p, a.URL)
	p = binary.AppendUvarint(p, uint64(a.Status))
	p = binary.AppendUvarint(p, uint64(len(a.Vary)))
	for _, s := range a.Vary {
		p = appendText(appendText(p, s.Name), s.Value)
	}
	p = binary.AppendUvarint(p, uint64(len(a.Fields)))
	for _, f := range a.Fields {
		p = appendText(appendText(p, f.Name), f.Value)
	}
	p = binary.AppendUvarint(p, uint64(len(a.Groups)))
	for _, g := range a.Groups {
		p = appendText(p, g)
	}
	p = appendText(p, string(terms))
	return binary.LittleEndian.AppendUint32(p, crc32.Checksum(p[start:], castagnoli)), nil
}

func appendText(p []byte, s string) []byte {
	return append(binary.AppendUvarint(p, uint64(len(s))), s...)
}

// Decode decodes what Append has appended. The Answer has no Body. It keeps nothing of p.
func Decode(p []byte) (*Answer, error) {
	n := len(p) - crc32.Size
	if n < 1 || p[0] != encoding || crc32.Checksum(p[:n], castagnoli) != binary.LittleEndian.Uint32(p[n:]) {
		return nil, ErrEncoding
	}
	d := decoder{rest: string(p[1:n])}
	a := new(Answer)
	copy(a.ID[:], d.take(uint64(len(a.ID))))
	copy(a.Key[:], d.take(uint64(len(a.Key))))
	a.App, a.URL = d.text(), d.text()
	a.Status = int(d.number(999))
	if n := d.length(2); n > 0 {
		a.Vary = make([]rules.Selector, n)
		for i := range a.Vary {
			a.Vary[i].Name, a.Vary[i].Value = d.text(), d.text()
		}
	}
	if n := d.length(2); n > 0 {
		a.Fields = make([]httpx.Field, n)
		for i := range a.Fields {
			a.Fields[i].Name, a.Fields[i].Value = d.text(), d.text()
		}
	}
	if n := d.length(1); n > 0 {
		a.Groups = make([]string, n)
		for i := range a.Groups {
			a.Groups[i] = d.text()
		}
	}
	var terms encodedTerms
	if json.Unmarshal([]byte(d.text()), &terms) != nil || d.failed || d.rest != "" {
		return nil, ErrEncoding
	}
	a.Terms = terms.Terms
	a.Terms.ETag = string(terms.ETag)
	return a, nil
}

// decoder reads from the beginning of rest. After a failure everything that it reads is empty.
type decoder struct {
	rest   string
	failed bool
}

func (d *decoder) take(n uint64) string {
	if d.failed || n > uint64(len(d.rest)) {
		d.failed = true
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) text() string { return d.take(d.number(1 << 31)) }

// length reads the length of a list whose elements have at least least bytes.
func (d *decoder) length(least int) int {
	return int(d.number(uint64(len(d.rest) / least)))
}

// number reads a number up to most.
func (d *decoder) number(most uint64) uint64 {
	var n uint64
	for shift := 0; shift < 64; shift += 7 {
		b := d.take(1)
		if b == "" {
			return 0
		}
		n |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			if n > most {
				break
			}
			return n
		}
	}
	d.failed = true
	return 0
}
