package proxyproto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

// read takes a header off stream as a caller does, and returns what was taken.
func read(stream []byte) (Header, int, error) {
	var p []byte
	for {
		n, err := More(p)
		switch {
		case err != nil:
			return Header{}, len(p), err
		case n == 0:
			h, err := Parse(p)
			return h, len(p), err
		case len(p)+n > len(stream):
			return Header{}, len(p), errCut
		}
		p = append(p, stream[len(p):len(p)+n]...)
	}
}

var errCut = errors.New("cut off")

// v2 is a header of version 2 around what follows its length.
func v2(command, family byte, rest string) string {
	p := append([]byte(binary2), command, family)
	p = binary.BigEndian.AppendUint16(p, uint16(len(rest)))
	return string(p) + rest
}

func field(kind byte, value string) string {
	return string([]byte{kind, byte(len(value) >> 8), byte(len(value))}) + value
}

// summed puts a header's checksum into its place.
func summed(header string, at int) string {
	p := []byte(header)
	binary.BigEndian.PutUint32(p[at:], crc32.Checksum(p, crc32.MakeTable(crc32.Castagnoli)))
	return string(p)
}

const ends4 = "\x0a\x00\x00\x01\xc0\x00\x02\x02\x30\x39\x01\xbb"

var (
	source4      = netip.MustParseAddrPort("10.0.0.1:12345")
	destination4 = netip.MustParseAddrPort("192.0.2.2:443")
)

func TestHeaders(t *testing.T) {
	ssl := field(0x20, "\x07\x00\x00\x00\x00"+field(0x21, "TLSv1.3")+field(0x22, "Zoë")+field(0x23, "TLS_AES_128_GCM_SHA256"))
	for in, want := range map[string]Header{
		"PROXY TCP4 10.0.0.1 192.0.2.2 12345 443\r\n":             {Source: source4, Destination: destination4},
		"PROXY TCP6 ::1 2001:db8::2 1 0\r\n":                      {Source: netip.MustParseAddrPort("[::1]:1"), Destination: netip.MustParseAddrPort("[2001:db8::2]:0")},
		"PROXY TCP6 :: :: 1 2\r\n":                                {Source: netip.MustParseAddrPort("[::]:1"), Destination: netip.MustParseAddrPort("[::]:2")},
		"PROXY UNKNOWN\r\n":                                       {},
		"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n":           {},
		v2(0x20, 0, ""):                                           {},
		v2(0x20, 0x11, ends4):                                     {}, // LOCAL: addresses are to be ignored
		v2(0x21, 0, field(4, "padding")):                          {},
		v2(0x21, 0x11, ends4):                                     {Source: source4, Destination: destination4},
		v2(0x21, 0x31, strings.Repeat("\x00", 216)):               {},
		v2(0x21, 0x11, ends4+field(0x20, "\x00\x00\x00\x00\x01")): {Source: source4, Destination: destination4},
		v2(0x21, 0x11, ends4+field(0xea, "\x01vpce-08d2bf15fac5001c9")+field(0xea, "\x02x")+field(2, "shop.example.org")): {
			Source: source4, Destination: destination4, AWSEndpoint: "vpce-08d2bf15fac5001c9", Authority: "shop.example.org"},
		v2(0x21, 0x11, ends4+field(4, "\x00\x00")+field(5, "conn-1")+field(4, "")):                                {Source: source4, Destination: destination4, UniqueID: "conn-1"},
		v2(0x21, 0x11, ends4+field(5, "a\x00b")+field(5, strings.Repeat("x", 129))):                               {Source: source4, Destination: destination4},
		summed(v2(0x21, 0x11, ends4+field(3, "\x00\x00\x00\x00")), 31):                                            {Source: source4, Destination: destination4},
		summed(v2(0x21, 0x11, ends4+field(4, "x")+field(3, "\x00\x00\x00\x00")+field(2, "shop.example.org")), 35): {Source: source4, Destination: destination4, Authority: "shop.example.org"},
		v2(0x20, 0x11, ends4+field(3, "bad")):                                                                     {}, // LOCAL: fields are to be ignored
		v2(0x21, 0x11, ends4+ssl): {Source: source4, Destination: destination4,
			TLS: &TLS{Version: "TLSv1.3", Cipher: "TLS_AES_128_GCM_SHA256", Certificate: true, CommonName: "Zoë"}},
		v2(0x21, 0x11, ends4+field(0x20, "\x01\x00\x00\x00\x01"+field(0x22, "a\nb"))): {Source: source4, Destination: destination4, TLS: &TLS{VerifyCode: 1}},
	} {
		for _, behind := range []string{"", "\r\nGET / HTTP/1.1\r\n\r\n"} {
			h, n, err := read([]byte(in + behind))
			if err != nil || n != len(in) || !reflect.DeepEqual(h, want) {
				t.Errorf("%q: %+v, %d bytes of %d, %v", in, h, n, len(in), err)
			}
		}
	}
}

func TestRefusedHeaders(t *testing.T) {
	long := v2(0x21, 0x11, "")
	long = long[:len(long)-2] + "\xff\xff" // the length alone, without the bytes
	for in, want := range map[string]error{
		"GET / HTTP/1.1\r\n":         ErrNone,
		"\r\n\r\nGET / HTTP/1.1\r\n": ErrNone,
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00\x00\x00\x00": ErrNone,
		"PROXY UNKNOWN\r0":                                      ErrInvalid,
		"proxy TCP4 10.0.0.1 192.0.2.2 1 2\r\n":                 ErrNone,
		"PROXY TCP4 10.0.0.1 192.0.2.2 1 65536\r\n":             ErrInvalid,
		"PROXY TCP4 10.0.0.1 192.0.2.2 01 2\r\n":                ErrInvalid,
		"PROXY TCP4 10.0.0.1 192.0.2.2 1 -2\r\n":                ErrInvalid,
		"PROXY TCP4 ::1 ::1 1 2\r\n":                            ErrInvalid,
		"PROXY TCP6 10.0.0.1 192.0.2.2 1 2\r\n":                 ErrInvalid,
		"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n":                   ErrInvalid,
		"PROXY TCP5 10.0.0.1 192.0.2.2 1 2\r\n":                 ErrInvalid,
		"PROXY TCP4 10.0.0.1  192.0.2.2 1 2\r\n":                ErrInvalid,
		"PROXY TCP4 10.0.0.1 192.0.2.2 1 2 3\r\n":               ErrInvalid,
		"PROXY TCP4 10.0.0.1 192.0.2.2 1 2\nGET / HTTP/1.1\r\n": ErrInvalid,
		"PROXY TCP4 10.0.0.1\r 192.0.2.2 1 2\r\n":               ErrInvalid,
		"PROXY UNKNOWN " + strings.Repeat("x", 200) + "\r\n":    ErrLarge,
		long + strings.Repeat("x", 70_000):                      ErrLarge,
		v2(0x11, 0x11, ends4):                                   ErrInvalid, // another version
		v2(0x22, 0x11, ends4):                                   ErrInvalid, // another command
		v2(0x21, 0x12, ends4):                                   ErrInvalid, // datagrams
		v2(0x21, 0x11, ends4[:11]):                              ErrInvalid,
		v2(0x21, 0x11, ends4+"\x04\x00"):                        ErrInvalid,
		v2(0x21, 0x11, ends4+"\x04\x00\x02x"):                   ErrInvalid,
		v2(0x21, 0x11, ends4+field(0x20, "\x01")):               ErrInvalid,
		v2(0x21, 0x11, ends4+field(3, "\x00\x00\x00\x00")):      ErrInvalid,
		v2(0x21, 0x11, ends4+field(3, "\x00\x00\x00")):          ErrInvalid,
		strings.Replace(summed(v2(0x21, 0x11, ends4+field(3, "\x00\x00\x00\x00")), 31), "\x0a\x00\x00\x01", "\x0a\x00\x00\x02", 1): ErrInvalid,
		v2(0x21, 0x11, ends4+field(0x20, "\x01\x00\x00\x00\x00\x21\xff\xff")):                                                      ErrInvalid,
	} {
		if h, _, err := read([]byte(in)); !errors.Is(err, want) {
			t.Errorf("%.60q: %+v, %v", in, h, err)
		}
	}
}

// What Append writes Parse reads.
func TestAppend(t *testing.T) {
	six := netip.MustParseAddrPort("[2001:db8::1]:7")
	for _, h := range []Header{
		{}, {Source: source4, Destination: destination4}, {Source: six, Destination: six},
		{Source: source4, Destination: destination4, Authority: "shop.example.org", AWSEndpoint: "vpce-1",
			TLS: &TLS{Version: "TLSv1.2", Cipher: "ECDHE-RSA-AES128-GCM-SHA256", Certificate: true, VerifyCode: 10, CommonName: "a"}},
	} {
		got, n, err := read(append(Append(nil, h), "GET"...))
		if err != nil || !reflect.DeepEqual(got, h) {
			t.Errorf("%+v became %+v, %d, %v", h, got, n, err)
		}
	}
	got, _, err := read(Append(nil, Header{Source: six, Destination: destination4}))
	if err != nil || got.Source != six || got.Destination.Addr().Unmap() != destination4.Addr() {
		t.Errorf("two families: %+v, %v", got, err)
	}
	if got, _, err := read(Append(nil, Header{Source: six})); err != nil || got.Source.IsValid() {
		t.Errorf("one address: %+v, %v", got, err)
	}
}

// However the bytes are: no more of them is taken than belong to the header, and none is kept beyond MaxSize.
func FuzzHeader(f *testing.F) {
	for _, s := range []string{"", "PROXY TCP4 10.0.0.1 192.0.2.2 12345 443\r\nGET", "PROXY UNKNOWN\r\n", v2(0x21, 0x11, ends4+field(2, "a")) + "x", v2(0x21, 0x21, strings.Repeat("a", 36)+field(0x20, "\x01\x00\x00\x00\x00"+field(0x21, "TLSv1.3")))} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		h, n, err := read(stream)
		if n > MaxSize {
			t.Fatalf("%d bytes were taken", n)
		}
		if err != nil {
			return
		}
		if stream[0] == 'P' {
			if i := bytes.Index(stream, []byte("\r\n")); i+2 != n {
				t.Fatalf("%d bytes were taken of %q", n, stream)
			}
		} else if n != fixed2+int(binary.BigEndian.Uint16(stream[14:])) {
			t.Fatalf("%d bytes were taken of %q", n, stream)
		}
		if h.Source.IsValid() != h.Destination.IsValid() {
			t.Fatalf("%+v", h)
		}
		if h.TLS != nil && len(h.TLS.Version) > 255 {
			return
		}
		again, _, err := read(Append(nil, h))
		if err != nil || again.Source.Port() != h.Source.Port() || again.Source.Addr().Unmap() != h.Source.Addr().Unmap() {
			t.Fatalf("%+v became %+v, %v", h, again, err)
		}
	})
}
