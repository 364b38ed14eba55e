// Package proxyproto reads and writes the header of the PROXY protocol (versions 1 and 2), by
// which a proxy that forwards bytes says whose connection it forwards. It is pure: the caller
// reads and writes. The caller takes exactly the bytes of the header off the connection, so that
// the protocol behind it can be read from the descriptor itself. That is why no library does it: the
// usual one wraps the connection, and its buffer may hold bytes of the protocol behind.
//
//	header.go  Header, TLS; the errors
//	length.go  More: how many bytes of a header are still to be read
//	parse.go   Parse: both versions
//	fields.go  the fields behind the addresses of version 2 (TLV)
//	append.go  Append: version 2
//
// The text of the protocol is https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt.
// Not read are the addresses of unix sockets (the family is known, and means "no addresses") and
// fields that no caller needs; datagrams are refused.
//
// The package is a leaf. It starts no goroutine.
package proxyproto
