package certs

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Authority is the content of a file of CAs.
type Authority struct {
	Pool *x509.CertPool
	// Sum tells one content from another one.
	Sum string

	text []byte
}

// ReadAuthority reads a file of CAs, PEM. setting is for messages.
func ReadAuthority(setting, path string) (*Authority, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	return parseAuthority(setting, path, text)
}

func parseAuthority(setting, path string, text []byte) (*Authority, error) {
	a := &Authority{Pool: x509.NewCertPool(), text: text}
	if !a.Pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: %s has no certificate in PEM (-----BEGIN CERTIFICATE-----)", setting, path)
	}
	sum := sha256.Sum256(text)
	a.Sum = hex.EncodeToString(sum[:])
	return a, nil
}

// Authorities are those of client_ca, by path.
type Authorities map[string]*Authority

// ReadAuthorities reads the files; empty paths are none. old are those in force: a file that this
// process may not read any more stays as it was.
func ReadAuthorities(paths []string, old Authorities) (Authorities, error) {
	all := Authorities{}
	for _, path := range paths {
		if path == "" || all[path] != nil {
			continue
		}
		a, err := ReadAuthority("client_ca", path)
		if before := old[path]; before != nil && errors.Is(err, fs.ErrPermission) {
			a, err = before, nil
		}
		if err != nil {
			return nil, err
		}
		all[path] = a
	}
	return all, nil
}

// Keep returns them for the process of an upgrade, which may not be able to read the files.
func (a Authorities) Keep() ([]byte, error) {
	texts := map[string][]byte{}
	for path, one := range a {
		texts[path] = one.text
	}
	return json.Marshal(texts)
}

// KeptAuthorities reads what Keep of another process has made; nil: there is none.
func KeptAuthorities(kept []byte) (Authorities, error) {
	var texts map[string][]byte
	if len(kept) > 0 {
		if err := json.Unmarshal(kept, &texts); err != nil {
			return nil, errors.New("the CAs of the old process cannot be read")
		}
	}
	all := Authorities{}
	for path, text := range texts {
		one, err := parseAuthority("client_ca", path, text)
		if err != nil {
			return nil, err
		}
		all[path] = one
	}
	return all, nil
}
