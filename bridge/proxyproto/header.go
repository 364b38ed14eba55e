package proxyproto

import (
	"errors"
	"net/netip"
)

// Header is what a proxy says of a connection.
type Header struct {
	// Source is the client, Destination the address that it has connected to. Both are invalid
	// where the proxy names none (LOCAL, UNKNOWN, unix sockets): the connection is then the
	// proxy's own, or nothing is known of the client.
	Source, Destination netip.AddrPort
	// TLS says how the client's connection to the proxy is secured; nil: it has no TLS, or the
	// proxy does not tell.
	TLS *TLS
	// Authority is the name that the client has asked for (SNI); empty: unknown.
	Authority string
	// UniqueID is the proxy's id of the connection; empty: none.
	UniqueID string
	// AWSEndpoint is the id of the VPC endpoint that the client has come by; empty: none.
	AWSEndpoint string
}

// TLS is the client's TLS connection to the proxy. Empty fields are unknown.
type TLS struct {
	Version string // "TLSv1.3"
	Cipher  string // OpenSSL's name
	// Certificate: the client has one. VerifyCode is OpenSSL's result of its check; 0: it is
	// valid. CommonName is its subject's.
	Certificate bool
	VerifyCode  uint32
	CommonName  string
}

var (
	// ErrNone: the bytes are not the begin of a header.
	ErrNone = errors.New("no PROXY header")
	// ErrInvalid: the bytes begin like a header, but are none.
	ErrInvalid = errors.New("invalid PROXY header")
	// ErrLarge: the header is longer than MaxSize.
	ErrLarge = errors.New("the PROXY header is too large")
)

// MaxSize bounds a header; bytes. Version 1 has at most 107 bytes; fields of version 2 that are in
// use need a few hundred.
const MaxSize = 4 << 10

const (
	text    = "PROXY "
	binary2 = "\r\n\r\n\x00\r\nQUIT\n"
	fixed2  = len(binary2) + 4 // of version 2: what is in front of the addresses
	maxText = 107
	least   = len("PROXY UNKNOWN\r\n") // of both versions

	cmdLocal = 0x20 // version 2, and the command
	cmdProxy = 0x21

	noFamily = 0x00
	tcp4     = 0x11
	tcp6     = 0x21
	unixed   = 0x31
)

// sizes are those of the address blocks, by family.
var sizes = map[byte]int{noFamily: 0, tcp4: 12, tcp6: 36, unixed: 216}
