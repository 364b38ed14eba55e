package localca

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Names of the files in the folder.
const (
	certFile = "ca.pem"
	keyFile  = "ca.key"
)

// ErrNone: the folder has no CA.
var ErrNone = errors.New("there is no local CA yet")

// Authority is a user's CA.
type Authority struct {
	// Cert is its certificate, and Path the file of that.
	Cert *x509.Certificate
	Path string

	key             crypto.Signer // nil: of Read
	certPEM, keyPEM []byte
}

// Name is what the CA is called.
func (a *Authority) Name() string { return a.Cert.Subject.CommonName }

// ID tells it from other CAs, in few letters.
func (a *Authority) ID() string { return hex.EncodeToString(a.Cert.SubjectKeyId)[:12] }

// Open returns the CA in a folder, and makes it if there is none. Processes that do so at the same time get the same one.
func Open(dir string) (a *Authority, created bool, err error) {
	a, err = read(dir, true)
	if errors.Is(err, ErrNone) {
		created, err = create(dir)
		if err != nil {
			return nil, false, fmt.Errorf("the local CA in %s cannot be made: %w; set XDG_DATA_HOME to a folder that this user can write to", dir, err)
		}
		a, err = read(dir, true)
	}
	return a, created, err
}

// KeyPath is the file of the private key in the CA's folder.
func KeyPath(dir string) string { return filepath.Join(dir, keyFile) }

// Read returns the CA in a folder without its key: it cannot issue. ErrNone: there is none.
func Read(dir string) (*Authority, error) { return read(dir, false) }

func read(dir string, withKey bool) (*Authority, error) {
	a := &Authority{Path: filepath.Join(dir, certFile)}
	cert, err := os.ReadFile(a.Path)
	key, keyErr := os.ReadFile(KeyPath(dir))
	if errors.Is(err, fs.ErrNotExist) && keyErr == nil { // both came by one rename, between the two
		cert, err = os.ReadFile(a.Path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && errors.Is(keyErr, fs.ErrNotExist):
		return nil, fmt.Errorf("%w in %s", ErrNone, dir)
	case err == nil && withKey:
		err = keyErr
	}
	a.certPEM = cert
	if withKey {
		a.keyPEM = key
	}
	if err == nil {
		err = a.parse()
	}
	if err == nil && withKey {
		err = private(dir)
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the local CA cannot be read: %w; give %s to this user (chown -R), or set XDG_DATA_HOME to another folder", err, dir)
	case err != nil:
		return nil, fmt.Errorf("the local CA in %s: %w; remove that folder, and another CA is made, which `standpipe certs trust` installs", dir, err)
	}
	return a, nil
}

// parse reads certPEM and, if it is there, keyPEM.
func (a *Authority) parse() error {
	block, _ := pem.Decode(a.certPEM)
	if block == nil || block.Type != "CERTIFICATE" {
		return fmt.Errorf("%s is no certificate in PEM", certFile)
	}
	var err error
	if a.Cert, err = x509.ParseCertificate(block.Bytes); err != nil {
		return fmt.Errorf("%s: %w", certFile, err)
	}
	switch {
	case !a.Cert.IsCA || len(a.Cert.SubjectKeyId) < 8 || len(a.Cert.PermittedDNSDomains) == 0:
		return fmt.Errorf("%s is no certificate of a CA that standpipe has made", certFile)
	case a.keyPEM == nil:
		return nil
	case time.Now().After(a.Cert.NotAfter):
		return fmt.Errorf("it expired on %s; run standpipe certs untrust first", a.Cert.NotAfter.Format(time.DateOnly))
	}
	pair, err := tls.X509KeyPair(a.certPEM, a.keyPEM)
	if err != nil {
		return fmt.Errorf("%s does not fit %s", keyFile, certFile) // no part of a key gets into a log
	}
	a.key = pair.PrivateKey.(crypto.Signer)
	return nil
}

// private closes the folder and the key to other users, should somebody have opened them.
func private(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // the folder of the user's data is
	}
	for path, mode := range map[string]fs.FileMode{dir: 0o700, KeyPath(dir): 0o600} {
		info, err := os.Stat(path)
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = os.Chmod(path, mode)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// kept is what passes from one process to the next.
type kept struct {
	Path      string
	Cert, Key []byte
}

// Keep returns the CA with its key, for Restore in the process of an upgrade.
func (a *Authority) Keep() ([]byte, error) { return json.Marshal(kept{a.Path, a.certPEM, a.keyPEM}) }

// Restore returns what Keep has returned. It is for a process that may not read the folder any more.
func Restore(b []byte) (*Authority, error) {
	var k kept
	if json.Unmarshal(b, &k) != nil || k.Key == nil {
		return nil, errors.New("the local CA of the old process cannot be read") // no part of a key gets into a log
	}
	a := &Authority{Path: k.Path, certPEM: k.Cert, keyPEM: k.Key}
	return a, a.parse()
}
