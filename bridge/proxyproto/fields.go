package proxyproto

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"unicode/utf8"
)

// The types of fields that are read (PP2_TYPE_*).
const (
	typeAuthority = 0x02
	typeChecksum  = 0x03 // CRC-32C, of the whole header
	typeUniqueID  = 0x05
	typeSSL       = 0x20
	typeVersion   = 0x21 // within typeSSL, as the next two
	typeCN        = 0x22
	typeCipher    = 0x23
	typeAWS       = 0xea
	awsEndpoint   = 0x01 // the first byte of typeAWS
)

// The bits of the first byte of typeSSL (PP2_CLIENT_*).
const (
	clientSSL  = 0x01
	clientCert = 0x02 | 0x04 // in this connection, or in the TLS session
)

// each calls f with the type and the value of each field.
func each(p []byte, f func(kind byte, value []byte)) error {
	for len(p) > 0 {
		if len(p) < 3 {
			return fmt.Errorf("%w: a field is cut off", ErrInvalid)
		}
		n := 3 + int(binary.BigEndian.Uint16(p[1:]))
		if n > len(p) {
			return fmt.Errorf("%w: a field of type %#02x is longer than what contains it", ErrInvalid, p[0])
		}
		f(p[0], p[3:n])
		p = p[n:]
	}
	return nil
}

// maxUniqueID is how long a unique id may be; bytes.
const maxUniqueID = 128

// take reads the fields behind the addresses, the last of the bytes of header.
func (h *Header) take(header, fields []byte) error {
	var failed error
	at := len(header) - len(fields)
	err := each(fields, func(kind byte, value []byte) {
		begin := at + 3 // of value
		at = begin + len(value)
		switch {
		case kind == typeChecksum && failed == nil:
			failed = checkSum(header, begin, value)
		case kind == typeUniqueID && len(value) <= maxUniqueID:
			h.UniqueID = printable(value)
		case kind == typeAuthority:
			h.Authority = printable(value)
		case kind == typeAWS && len(value) > 1 && value[0] == awsEndpoint:
			h.AWSEndpoint = printable(value[1:])
		case kind == typeSSL && failed == nil:
			h.TLS, failed = readTLS(value)
		}
	})
	if err == nil {
		err = failed
	}
	return err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checkSum: the sum is computed with zeros in its own place (2.2.5 of the protocol's text).
func checkSum(header []byte, at int, sum []byte) error {
	if len(sum) != 4 {
		return fmt.Errorf("%w: its checksum has %d bytes", ErrInvalid, len(sum))
	}
	is := crc32.Update(0, castagnoli, header[:at])
	is = crc32.Update(is, castagnoli, make([]byte, 4))
	is = crc32.Update(is, castagnoli, header[at+4:])
	if is != binary.BigEndian.Uint32(sum) {
		return fmt.Errorf("%w: its checksum is wrong", ErrInvalid)
	}
	return nil
}

// readTLS reads the field typeSSL. nil: the client's connection has no TLS.
func readTLS(p []byte) (*TLS, error) {
	if len(p) < 5 {
		return nil, fmt.Errorf("%w: the field of TLS is cut off", ErrInvalid)
	}
	t := &TLS{Certificate: p[0]&clientCert != 0, VerifyCode: binary.BigEndian.Uint32(p[1:])}
	err := each(p[5:], func(kind byte, value []byte) {
		switch kind {
		case typeVersion:
			t.Version = printable(value)
		case typeCN:
			t.CommonName = printable(value)
		case typeCipher:
			t.Cipher = printable(value)
		}
	})
	if err != nil || p[0]&clientSSL == 0 {
		return nil, err
	}
	return t, nil
}

// printable is a text of a field; empty: it is not UTF-8, or has control characters.
func printable(p []byte) string {
	if !utf8.Valid(p) {
		return ""
	}
	for _, b := range p {
		if b < ' ' || b == 0x7f {
			return ""
		}
	}
	return string(p)
}
