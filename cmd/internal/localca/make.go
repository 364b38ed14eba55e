package localca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"
)

// caYears is how long a CA is valid. It is not renewed: each one has to be trusted by hand.
const caYears = 10

// create makes a CA in a folder that has none. The folder appears with both files in it: created is false if another process's
// has appeared first.
func create(dir string) (created bool, err error) {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return false, err
	}
	tmp, err := os.MkdirTemp(parent, "local-ca-new-*") // mode 0700
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(tmp)
	cert, key, err := newCA(owner())
	if err != nil {
		return false, err
	}
	for _, f := range []struct {
		name string
		text []byte
		mode fs.FileMode
	}{{certFile, cert, 0o644}, {keyFile, key, 0o600}} {
		if err := writeFile(filepath.Join(tmp, f.name), f.text, f.mode); err != nil {
			return false, err
		}
	}
	err = os.Rename(tmp, dir) // in the place of an empty folder, too
	if err == nil {
		return true, nil
	}
	if _, other := os.Stat(filepath.Join(dir, certFile)); other == nil {
		return false, nil
	}
	return false, err
}

// writeFile writes a file that is on the disk before the folder gets its name.
func writeFile(name string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// owner is the user and the machine, which the CA is named after.
func owner() string {
	name, host := "user", "this machine"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}

// newCA makes a CA, in PEM.
func newCA(owner string) (cert, key []byte, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{Organization: []string{"standpipe local CA"}, CommonName: caName(owner)},
		NotBefore:    now.Add(-time.Hour), NotAfter: now.AddDate(caYears, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: []string{"localhost"},
		PermittedIPRanges: []*net.IPNet{{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}, {IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)}},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}

// caName has at most 64 bytes (ub-common-name, RFC 5280 A.1), all of them ASCII that can be printed.
func caName(owner string) string {
	name := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, "standpipe local CA "+owner)
	return name[:min(len(name), 64)]
}

// serial is a random number of 127 bits.
func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // it does not fail
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}
