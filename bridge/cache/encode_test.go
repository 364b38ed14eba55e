package cache

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
)

func sample() *Answer {
	return &Answer{
		ID: [16]byte{1, 2, 3}, Key: Key{4, 5, 6}, App: "shop", URL: "https://shop.example/a?b=c", Status: 203,
		Vary:   []rules.Selector{{Name: "Accept-Encoding", Value: "br"}, {Name: "Cookie"}},
		Fields: []httpx.Field{{Name: "ETag", Value: `"x"`}, {Name: "X-Empty"}, {Name: "X-Long", Value: strings.Repeat("y", 5000)}},
		Terms:  rules.Terms{At: time.Unix(1_700_000_000, 123_456_789).UTC(), InitialAge: time.Second, Lifetime: time.Hour},
		Groups: []string{"a", "", "é"},
	}
}

// Everything comes back, whatever fields the Terms have by now.
func TestEncode(t *testing.T) {
	t.Parallel()
	full := sample()
	fillIn(reflect.ValueOf(&full.Terms).Elem())
	full.Terms.At = time.Unix(1_700_000_000, 123_456_789).UTC()
	full.Terms.ETag = "\"\xfc\xff\""
	for _, a := range []*Answer{full, {}, {Status: 999, URL: "x"}} {
		p, err := a.Append([]byte("before"))
		if err != nil {
			t.Fatal(err)
		}
		p = bytes.TrimPrefix(p, []byte("before"))
		b, err := Decode(p)
		if err != nil {
			t.Fatal(err)
		}
		clear(p)
		if !reflect.DeepEqual(a, b) {
			t.Errorf("got  %+v\nwant %+v", b, a)
		}
	}
}

// fillIn sets every field of a struct that has a simple type.
func fillIn(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int16, reflect.Int8:
			f.SetInt(int64(i + 1))
		case reflect.Uint, reflect.Uint64, reflect.Uint32, reflect.Uint16, reflect.Uint8:
			f.SetUint(uint64(i + 1))
		case reflect.String:
			f.SetString("text")
		case reflect.Slice:
			if f.Type().Elem().Kind() == reflect.String {
				f.Set(reflect.ValueOf([]string{"one", "two"}).Convert(f.Type()))
			}
		}
	}
}

// Each changed byte, and each length that is not the whole one, is found.
func TestEncodeDamaged(t *testing.T) {
	t.Parallel()
	p, _ := sample().Append(nil)
	for i := range p {
		p[i] ^= 0x10
		if _, err := Decode(p); err != ErrEncoding {
			t.Fatalf("byte %d changed: %v", i, err)
		}
		p[i] ^= 0x10
		if _, err := Decode(p[:i]); err != ErrEncoding {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := Decode(append(p, 0)); err != ErrEncoding {
		t.Errorf("a byte more: %v", err)
	}
}

// A valid checksum says nothing of the lengths: none takes more memory than there are bytes.
func FuzzDecode(f *testing.F) {
	p, _ := sample().Append(nil)
	f.Add(p[:len(p)-crc32.Size])
	f.Add([]byte{encoding})
	f.Add(append(make([]byte, 49), 0xff, 0xff, 0xff, 0xff, 0x7f))
	f.Fuzz(func(t *testing.T, p []byte) {
		p = binary.LittleEndian.AppendUint32(p[:len(p):len(p)], crc32.Checksum(p, castagnoli))
		a, err := Decode(p)
		if err != nil {
			return
		}
		q, err := a.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := Decode(q); err != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%v: %+v, before %+v", err, b, a)
		}
	})
}
