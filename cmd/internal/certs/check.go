package certs

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"time"
)

// Check reads certificates without serving them. bad is why a server could not start; doubtful
// is what clients would refuse, hosts without a certificate, and files that this user cannot read.
// automatic are names that have certificates of another source.
func Check(pairs []Pair, hosts, automatic, clientCAs []string) (bad, doubtful []string) {
	now := time.Now()
	known := []Info{{Names: automatic}}
	for _, p := range pairs {
		m, err := p.read()
		if unreadable(err) {
			doubtful = append(doubtful, fmt.Sprintf("the certificate in %s is not checked: %v", p.Cert, err))
			hosts = nil // it may be for any of them
			continue
		}
		if err != nil {
			bad = append(bad, err.Error())
			continue
		}
		c, err := m.parse()
		if err != nil {
			bad = append(bad, err.Error())
			continue
		}
		known = append(known, Info{Names: namesOf(c.Leaf)})
		doubtful = append(doubtful, doubts(c, p.Cert, now)...)
		if left := c.Leaf.NotAfter.Sub(now); left > 0 && left <= soon(c) {
			doubtful = append(doubtful, fmt.Sprintf("the certificate in %s expires on %s", p.Cert, c.Leaf.NotAfter.Format(time.DateOnly)))
		}
	}
	for _, path := range clientCAs {
		if _, err := ReadAuthorities([]string{path}, nil); unreadable(err) {
			doubtful = append(doubtful, fmt.Sprintf("the CAs in %s are not checked: %v", path, err))
		} else if err != nil {
			bad = append(bad, err.Error())
		}
	}
	if missing := Missing(known, hosts); len(missing) > 0 && len(bad) == 0 {
		var names []string
		for _, i := range known {
			names = append(names, i.Names...)
		}
		doubtful = append(doubtful, Uncovered(missing, names))
	}
	return bad, doubtful
}

// Uncovered is the sentence for hosts without a certificate.
func Uncovered(hosts, names []string) string {
	return "no certificate is for the host " + strings.Join(hosts, ", ") + "; there are some for " + strings.Join(names, ", ")
}

// Describe lists certificates in files that are not served, without their keys, which this user may not be able to read.
func Describe(pairs []Pair) []Info {
	list := make([]Info, len(pairs))
	for i, p := range pairs {
		list[i] = Info{Source: p.Cert}
		leaf, err := readLeaf(p.Cert)
		if err != nil {
			list[i].Error = err.Error()
			continue
		}
		list[i].Names, list[i].Issuer, list[i].NotAfter = namesOf(leaf), issuer(leaf.Issuer.CommonName, leaf.Issuer.String()), leaf.NotAfter
	}
	return list
}

// readLeaf reads the first certificate of a file.
func readLeaf(name string) (*x509.Certificate, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
	return nil, fmt.Errorf("%s has no certificate in PEM (-----BEGIN CERTIFICATE-----)", name)
}
