package https

import (
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/shim/wire"
)

// variablesOf makes the CGI variables of a connection. Their names are those of Apache's mod_ssl,
// and SSL_CLIENT_SERIAL and SSL_CLIENT_FINGERPRINT are nginx's usual ones. They are made once, with
// the handshake.
func (p *policy) variablesOf(state *tls.ConnectionState) []wire.Var {
	vars := []wire.Var{{Name: "SSL_PROTOCOL", Value: versionName(state.Version)}, {Name: "SSL_CIPHER", Value: cipherName(state.CipherSuite)}}
	if state.ServerName != "" {
		vars = append(vars, wire.Var{Name: "SSL_TLS_SNI", Value: state.ServerName})
	}
	if p.ClientAuth == NoClientAuth {
		return vars
	}
	err := p.verify(state)
	vars = append(vars, wire.Var{Name: "SSL_CLIENT_VERIFY", Value: verdict(err)})
	if err != nil { // nothing of a certificate that does not verify may be taken for true
		return vars
	}
	c := state.PeerCertificates[0]
	serial := strings.ToUpper(c.SerialNumber.Text(16))
	if len(serial)%2 != 0 {
		serial = "0" + serial
	}
	if email := emailOf(&c.Subject); email != "" {
		vars = append(vars, wire.Var{Name: "SSL_CLIENT_S_DN_Email", Value: email})
	}
	sum := sha1.Sum(c.Raw)
	return append(vars,
		wire.Var{Name: "SSL_CLIENT_S_DN", Value: dnOf(c.RawSubject)},
		wire.Var{Name: "SSL_CLIENT_S_DN_CN", Value: c.Subject.CommonName},
		wire.Var{Name: "SSL_CLIENT_I_DN", Value: dnOf(c.RawIssuer)},
		wire.Var{Name: "SSL_CLIENT_I_DN_CN", Value: c.Issuer.CommonName},
		wire.Var{Name: "SSL_CLIENT_M_SERIAL", Value: serial},
		wire.Var{Name: "SSL_CLIENT_SERIAL", Value: serial},
		wire.Var{Name: "SSL_CLIENT_V_START", Value: stamp(c.NotBefore)},
		wire.Var{Name: "SSL_CLIENT_V_END", Value: stamp(c.NotAfter)},
		wire.Var{Name: "SSL_CLIENT_V_REMAIN", Value: strconv.Itoa(int(time.Until(c.NotAfter).Hours() / 24))},
		wire.Var{Name: "SSL_CLIENT_FINGERPRINT", Value: hex.EncodeToString(sum[:])},
		wire.Var{Name: "SSL_CLIENT_CERT", Value: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))},
	)
}

// stamp writes a time as OpenSSL does.
func stamp(t time.Time) string { return t.UTC().Format("Jan _2 15:04:05 2006") + " GMT" }

// verdict is nginx's and mod_ssl's word for the result of verify.
func verdict(err error) string {
	var invalid x509.CertificateInvalidError
	switch {
	case err == nil:
		return "SUCCESS"
	case errors.Is(err, errNone):
		return "NONE"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "FAILED:certificate has expired"
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return "FAILED:unable to verify the certificate"
	}
	return "FAILED:" + strings.Join(strings.Fields(err.Error()), " ")
}

func versionName(v uint16) string {
	switch v {
	case tls.VersionTLS13:
		return "TLSv1.3"
	case tls.VersionTLS12:
		return "TLSv1.2"
	}
	return tls.VersionName(v)
}

// cipherName is OpenSSL's name of a suite, which mod_ssl and nginx use.
func cipherName(id uint16) string {
	if name, ok := opensslNames[id]; ok {
		return name
	}
	return tls.CipherSuiteName(id) // those of TLS 1.3 have one name
}

var opensslNames = map[uint16]string{
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:         "ECDHE-RSA-AES128-GCM-SHA256",
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:         "ECDHE-RSA-AES256-GCM-SHA384",
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256:   "ECDHE-RSA-CHACHA20-POLY1305",
	tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA:            "ECDHE-RSA-AES128-SHA",
	tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA:            "ECDHE-RSA-AES256-SHA",
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:       "ECDHE-ECDSA-AES128-GCM-SHA256",
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384:       "ECDHE-ECDSA-AES256-GCM-SHA384",
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA:          "ECDHE-ECDSA-AES128-SHA",
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA:          "ECDHE-ECDSA-AES256-SHA",
}

// ofProxy are the variables of a PROXY header that do not speak about TLS, which ends here.
func ofProxy(h *listen.Header) (vars []wire.Var) {
	if h == nil {
		return nil
	}
	for _, v := range h.Variables() {
		if !strings.HasPrefix(v.Name, "SSL_") {
			vars = append(vars, v)
		}
	}
	return vars
}
