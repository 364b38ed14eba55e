package https

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// reason is why a handshake has failed; metrics count by it.
type reason string

const (
	plainHTTP         reason = "plain_http"         // the client speaks HTTP without TLS
	notTLS            reason = "not_tls"            // something else than TLS
	timedOut          reason = "timeout"            // header_timeout
	clientLeft        reason = "closed"             // the client closed the connection
	version           reason = "version"            // no common version
	cipher            reason = "cipher"             // no common cipher suite or curve
	protocol          reason = "protocol"           // no common protocol (ALPN)
	noCertificate     reason = "no_certificate"     // no certificate for the name
	notIssued         reason = "not_issued"         // a certificate on demand was not obtained
	clientCertificate reason = "client_certificate" // the client has none that verifies
	rejected          reason = "rejected"           // the client does not take ours: it has sent an alert
	otherReason       reason = "other"
)

func (r reason) sentence() string {
	switch r {
	case plainHTTP:
		return "a client spoke plain HTTP to an address of HTTPS; it was told so"
	case notTLS:
		return "a client did not speak TLS"
	case timedOut:
		return "a client did not finish its TLS handshake within header_timeout"
	case clientLeft:
		return "a client closed the connection within its TLS handshake"
	case version:
		return "a client and tls_min have no version of TLS in common"
	case cipher:
		return "a client has no cipher suite in common with this server"
	case protocol:
		return "a client asked for protocols that are not served here"
	case noCertificate:
		return "a client asked for a name that there is no certificate for"
	case notIssued:
		return "a client asked for a name that no certificate could be obtained for"
	case clientCertificate:
		return "a client has no certificate that client_ca verifies"
	case rejected:
		return "a client refused the handshake, most often because it does not trust the certificate"
	}
	return "a TLS handshake failed"
}

// reasonOf sorts the errors of crypto/tls. Most of them are texts without a type.
func reasonOf(err error) reason {
	var header tls.RecordHeaderError
	var remote *net.OpError
	var verification *tls.CertificateVerificationError
	switch {
	case errors.As(err, &header):
		if looksLikeHTTP(header.RecordHeader) {
			return plainHTTP
		}
		return notTLS
	case errors.Is(err, ErrNoCertificate):
		return noCertificate
	case errors.Is(err, ErrNotIssued):
		return notIssued
	case errors.As(err, &verification), errors.Is(err, errClientCertificate):
		return clientCertificate
	case errors.Is(err, os.ErrDeadlineExceeded):
		return timedOut
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return clientLeft
	case errors.As(err, &remote) && remote.Op == "remote error":
		return rejected
	}
	text := err.Error()
	for part, why := range reasonsByText {
		if strings.Contains(text, part) {
			return why
		}
	}
	return otherReason
}

// reasonsByText are parts of crypto/tls's sentences. A test makes each of these failures.
var reasonsByText = map[string]reason{
	"unsupported versions":                version,
	"no cipher suite":                     cipher,
	"no supported elliptic curves":        cipher,
	"no key exchanges":                    cipher,
	"unsupported application protocols":   protocol,
	"client didn't provide a certificate": clientCertificate,
	"client certificate":                  clientCertificate,
}

// looksLikeHTTP: the bytes are the begin of a request line.
func looksLikeHTTP(head [5]byte) bool {
	switch string(head[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET", "PATCH", "CONNE", "PRI *":
		return true
	}
	return false
}
