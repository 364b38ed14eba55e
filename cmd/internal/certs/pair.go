package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// Pair names the files of a certificate and its key.
type Pair struct{ Cert, Key string }

// material is what the files of a Pair contain. It goes to another process in an upgrade.
type material struct {
	Pair
	CertPEM, KeyPEM []byte
}

// maxFile is how large a file of certificates may be; bytes.
const maxFile = 1 << 20

// read reads the files.
func (p Pair) read() (*material, error) {
	m := &material{Pair: p}
	for _, f := range []struct {
		name string
		to   *[]byte
	}{{p.Cert, &m.CertPEM}, {p.Key, &m.KeyPEM}} {
		st, err := os.Stat(f.name)
		if err == nil && st.Size() > maxFile {
			err = fmt.Errorf("%s has %d bytes; a certificate has fewer than %d", f.name, st.Size(), maxFile)
		}
		if err == nil {
			*f.to, err = os.ReadFile(f.name)
		}
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

// parse makes the certificate. The error says what is wrong with which file.
func (m *material) parse() (*tls.Certificate, error) {
	c, err := tls.X509KeyPair(m.CertPEM, m.KeyPEM)
	if err == nil {
		return &c, nil
	}
	text := strings.TrimPrefix(err.Error(), "tls: ")
	switch {
	case strings.Contains(text, "private key does not match"), strings.Contains(text, "private key type does not match"):
		return nil, fmt.Errorf("the key in %s does not belong to the certificate in %s", m.Key, m.Cert)
	case !bytes.Contains(m.CertPEM, []byte("-----BEGIN CERTIFICATE-----")):
		return nil, fmt.Errorf("%s has no certificate in PEM (-----BEGIN CERTIFICATE-----)", m.Cert)
	case bytes.Contains(m.KeyPEM, []byte("ENCRYPTED")):
		return nil, fmt.Errorf("the key in %s is encrypted; write it without a password: openssl pkey -in %s", m.Key, m.Key)
	case !bytes.Contains(m.KeyPEM, []byte("PRIVATE KEY-----")):
		return nil, fmt.Errorf("%s has no private key in PEM (-----BEGIN PRIVATE KEY-----)", m.Key)
	}
	return nil, fmt.Errorf("%s and %s: %s", m.Cert, m.Key, text)
}

// doubts are faults with which a certificate can be served, and that clients will see.
func doubts(c *tls.Certificate, file string, now time.Time) (list []string) {
	leaf := c.Leaf
	switch {
	case now.After(leaf.NotAfter):
		list = append(list, fmt.Sprintf("the certificate in %s expired on %s", file, leaf.NotAfter.Format(time.DateOnly)))
	case now.Before(leaf.NotBefore):
		list = append(list, fmt.Sprintf("the certificate in %s is not valid before %s", file, leaf.NotBefore.Format(time.DateTime)))
	}
	if len(namesOf(leaf)) == 0 {
		list = append(list, fmt.Sprintf("the certificate in %s has no names (subjectAltName); browsers refuse it", file))
	}
	before := leaf
	for i, der := range c.Certificate[1:] {
		next, err := x509.ParseCertificate(der)
		if err != nil || before.CheckSignatureFrom(next) != nil {
			list = append(list, fmt.Sprintf("certificate %d in %s did not sign the one before it: some clients will not find the way to a CA", i+2, file))
			break
		}
		before = next
	}
	return list
}

// namesOf are the names that the certificate is for, in lower case.
func namesOf(c *x509.Certificate) []string {
	names := make([]string, 0, len(c.DNSNames)+len(c.IPAddresses))
	for _, n := range c.DNSNames {
		names = append(names, strings.ToLower(n))
	}
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// unreadable: the files are not to be read by this process, which may have dropped privileges.
func unreadable(err error) bool { return errors.Is(err, fs.ErrPermission) }

// stamp tells one content of a file from another one.
type stamp struct {
	at   int64
	size int64
	file fs.FileInfo
}

func stampOf(name string) stamp {
	st, err := os.Stat(name)
	if err != nil {
		return stamp{}
	}
	return stamp{st.ModTime().UnixNano(), st.Size(), st}
}

func (s stamp) same(o stamp) bool {
	return s.at == o.at && s.size == o.size && (s.file == nil) == (o.file == nil) && (s.file == nil || os.SameFile(s.file, o.file))
}

// decode reads what Files.Keep has made.
func decode(kept []byte) (map[Pair]*material, error) {
	var list []*material
	if len(kept) > 0 {
		if err := json.Unmarshal(kept, &list); err != nil {
			return nil, errors.New("the certificates of the old process cannot be read") // no part of a key gets into a log
		}
	}
	m := make(map[Pair]*material, len(list))
	for _, one := range list {
		m[one.Pair] = one
	}
	return m, nil
}
