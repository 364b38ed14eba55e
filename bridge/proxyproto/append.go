package proxyproto

import (
	"encoding/binary"
	"net/netip"
)

// Append appends h in version 2. Addresses of two families become IPv6; where one is invalid,
// none is named.
func Append(dst []byte, h Header) []byte {
	begin := len(dst)
	dst = append(dst, binary2...)
	source, destination := h.Source.Addr().Unmap(), h.Destination.Addr().Unmap()
	family := byte(tcp6)
	switch {
	case !source.IsValid() || !destination.IsValid():
		family = noFamily
	case source.Is4() && destination.Is4():
		family = tcp4
	}
	dst = append(dst, cmdProxy, family, 0, 0)
	if family != noFamily {
		dst = appendAddr(dst, source, family)
		dst = appendAddr(dst, destination, family)
		dst = binary.BigEndian.AppendUint16(dst, h.Source.Port())
		dst = binary.BigEndian.AppendUint16(dst, h.Destination.Port())
	}
	dst = appendField(dst, typeAuthority, h.Authority)
	if h.AWSEndpoint != "" {
		dst = appendField(dst, typeAWS, string(rune(awsEndpoint))+h.AWSEndpoint)
	}
	if h.TLS != nil {
		dst = appendTLS(dst, h.TLS)
	}
	binary.BigEndian.PutUint16(dst[begin+fixed2-2:], uint16(len(dst)-begin-fixed2))
	return dst
}

func appendAddr(dst []byte, a netip.Addr, family byte) []byte {
	if family == tcp4 {
		b := a.As4()
		return append(dst, b[:]...)
	}
	b := a.As16()
	return append(dst, b[:]...)
}

// maxField bounds a text in a header of ours; bytes.
const maxField = 255

// appendField appends a field, unless it is empty.
func appendField(dst []byte, kind byte, value string) []byte {
	value = value[:min(len(value), maxField)]
	if value == "" {
		return dst
	}
	dst = append(dst, kind, 0, byte(len(value)))
	return append(dst, value...)
}

func appendTLS(dst []byte, t *TLS) []byte {
	begin := len(dst)
	bits, verify := byte(clientSSL), uint32(1)
	if t.Certificate {
		bits, verify = bits|clientCert, t.VerifyCode
	}
	dst = append(dst, typeSSL, 0, 0, bits)
	dst = binary.BigEndian.AppendUint32(dst, verify)
	dst = appendField(dst, typeVersion, t.Version)
	dst = appendField(dst, typeCN, t.CommonName)
	dst = appendField(dst, typeCipher, t.Cipher)
	binary.BigEndian.PutUint16(dst[begin+1:], uint16(len(dst)-begin-3))
	return dst
}
