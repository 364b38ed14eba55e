// Package testca makes the certificates of tests. No program imports it.
package testca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"testing"
	"time"
)

// Certificate is a certificate with its key.
type Certificate struct {
	*tls.Certificate
	CertPEM, KeyPEM string
}

// Write writes the certificate and its key, in PEM.
func (c *Certificate) Write(t testing.TB, cert, key string) {
	t.Helper()
	for name, text := range map[string]string{cert: c.CertPEM, key: c.KeyPEM} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Authority signs certificates.
type Authority struct {
	Pool *x509.CertPool
	PEM  string
	own  *Certificate
}

// New makes an Authority.
func New(t testing.TB, name string) *Authority {
	t.Helper()
	own := SelfSigned(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	a := &Authority{Pool: x509.NewCertPool(), PEM: own.CertPEM, own: own}
	a.Pool.AddCert(own.Leaf)
	return a
}

// Load returns the Authority of a certificate and a key in files.
func Load(t testing.TB, cert, key string) *Authority {
	t.Helper()
	own, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	a := &Authority{Pool: x509.NewCertPool(), own: &Certificate{Certificate: &own}}
	a.Pool.AddCert(own.Leaf)
	return a
}

// Sign makes a certificate. Without a time it is valid for 90 days; without a use, for clients and
// servers.
func (a *Authority) Sign(t testing.TB, c *x509.Certificate) *Certificate {
	t.Helper()
	return sign(t, c, a.own)
}

// SelfSigned makes a certificate that signs itself, valid as Sign's.
func SelfSigned(t testing.TB, c *x509.Certificate) *Certificate {
	t.Helper()
	return sign(t, c, nil)
}

// For is what Sign takes for a server's names and addresses.
func For(names ...string) *x509.Certificate {
	c := &x509.Certificate{Subject: pkix.Name{CommonName: names[0]}}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, n)
		}
	}
	return c
}

func sign(t testing.TB, c *x509.Certificate, by *Certificate) *Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if c.SerialNumber == nil {
		c.SerialNumber = big.NewInt(now.UnixNano())
	}
	if c.NotBefore.IsZero() {
		c.NotBefore = now.Add(-time.Hour)
	}
	if c.NotAfter.IsZero() {
		c.NotAfter = now.Add(90 * 24 * time.Hour)
	}
	if c.ExtKeyUsage == nil && !c.IsCA {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey.(*ecdsa.PrivateKey)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	made := &Certificate{
		CertPEM: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		KeyPEM:  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	}
	pair, err := tls.X509KeyPair([]byte(made.CertPEM), []byte(made.KeyPEM))
	if err != nil {
		t.Fatal(err)
	}
	made.Certificate = &pair
	return made
}
