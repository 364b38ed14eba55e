package https

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"os/exec"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/integration/testca"
)

// Names are written as OpenSSL writes them, which mod_ssl and nginx use.
func TestDN(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Log("openssl is not here: only our own text is compared")
	}
	oid := func(n ...int) asn1.ObjectIdentifier { return n }
	for want, name := range map[string]pkix.RDNSequence{
		"CN=alice,O=Shop\\, Inc": {{{Type: oid(2, 5, 4, 10), Value: "Shop, Inc"}}, {{Type: oid(2, 5, 4, 3), Value: "alice"}}},
		"emailAddress=a@example.org,CN=Zoë \\+ \\\"b\\\\,C=DE": {{{Type: oid(2, 5, 4, 6), Value: "DE"}}, {{Type: oid(2, 5, 4, 3), Value: "Zoë + \"b\\"}},
			{{Type: oid(1, 2, 840, 113549, 1, 9, 1), Value: "a@example.org"}}},
		"UID=u1,DC=example,DC=org":                         {{{Type: oid(0, 9, 2342, 19200300, 100, 1, 25), Value: "org"}}, {{Type: oid(0, 9, 2342, 19200300, 100, 1, 25), Value: "example"}}, {{Type: oid(0, 9, 2342, 19200300, 100, 1, 1), Value: "u1"}}},
		"CN=\\#a\\ ,OU=a\\0Ab":                             {{{Type: oid(2, 5, 4, 11), Value: "a\nb"}}, {{Type: oid(2, 5, 4, 3), Value: "#a "}}},
		"serialNumber=PNOEE-38001085718,SN=JÕEORG,GN=JAAK": {{{Type: oid(2, 5, 4, 42), Value: "JAAK"}}, {{Type: oid(2, 5, 4, 4), Value: "JÕEORG"}}, {{Type: oid(2, 5, 4, 5), Value: "PNOEE-38001085718"}}},
		"1.2.3.4=#130178,CN=x":                             {{{Type: oid(2, 5, 4, 3), Value: "x"}}, {{Type: oid(1, 2, 3, 4), Value: "x"}}},
		"":                                                 {},
	} {
		raw, err := asn1.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := dnOf(raw); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if openssl == "" || want == "" {
			continue
		}
		made := testca.SelfSigned(t, &x509.Certificate{RawSubject: raw})
		c := exec.Command(openssl, "x509", "-noout", "-subject", "-nameopt", "RFC2253,-esc_msb")
		c.Stdin = bytes.NewReader([]byte(made.CertPEM))
		out, err := c.CombinedOutput()
		if text := strings.TrimSuffix(strings.TrimPrefix(string(out), "subject="), "\n"); err != nil || text != want {
			t.Errorf("openssl: %q, want %q, %v", text, want, err)
		}
	}
	for _, raw := range []string{"", "x", "\x30\x80"} {
		if got := dnOf([]byte(raw)); got != "" {
			t.Errorf("%q: %q", raw, got)
		}
	}
}
