package acme

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/standpipe/standpipe/cmd/internal/certs"
)

// Info describes the certificate of a name, or the attempts to get one.
type Info struct {
	Name     string    `json:"name"`
	Issuer   string    `json:"issuer,omitempty"`
	NotAfter time.Time `json:"not_after,omitzero"`
	Error    string    `json:"error,omitempty"`
	FailedAt time.Time `json:"failed_at,omitzero"`
	Next     time.Time `json:"next,omitzero"`
}

// Source is the Source of a certs.Info.
const Source = "acme"

// listTimeout bounds a look into a storage on another machine.
const listTimeout = 5 * time.Second

// List is certs.Source's. It describes the certificates of Options.Names, those that are missing too, and those that the storage
// has for other names.
func (m *Manager) List() []certs.Info {
	ctx, cancel := context.WithTimeout(m.ctx, listTimeout)
	defer cancel()
	read, err := List(ctx, m.o.Storage, m.o.Names...)
	if err != nil {
		m.log.Error("certificate_storage", "error", err)
		list := make([]certs.Info, len(m.o.Names))
		for i, name := range m.o.Names {
			list[i] = certs.Info{Names: []string{name}, Source: Source, Error: "the storage cannot be read: " + err.Error()}
		}
		return list
	}
	return Described(read)
}

// Described is the list as a certs.Source has it.
func Described(read []Info) []certs.Info {
	list := make([]certs.Info, len(read))
	for i, one := range read {
		list[i] = certs.Info{Names: []string{one.Name}, Issuer: one.Issuer, NotAfter: one.NotAfter, Source: Source, Error: one.Error, Next: one.Next}
	}
	return list
}

// List reads a storage; no server needs to run. names are listed even if the storage has nothing of them.
func List(ctx context.Context, s certmagic.Storage, names ...string) ([]Info, error) {
	found := map[string]Info{}
	for _, name := range names {
		found[name] = Info{Name: name}
	}
	keys, err := listKeys(ctx, s, "certificates")
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if !strings.HasSuffix(key, ".crt") {
			continue
		}
		b, err := s.Load(ctx, key)
		if err != nil {
			if notExist(err) {
				continue // removed since
			}
			return nil, err
		}
		i, err := describe(b)
		if err != nil {
			i = Info{Name: strings.TrimSuffix(path.Base(key), ".crt"), Error: fmt.Sprintf("%s: %v", key, err)}
			if _, ok := found[i.Name]; !ok || found[i.Name].NotAfter.IsZero() {
				found[i.Name] = i
			}
			continue
		}
		if i.NotAfter.After(found[i.Name].NotAfter) {
			found[i.Name] = i
		}
	}
	keys, err = listKeys(ctx, s, statePrefix)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		b, err := s.Load(ctx, key)
		if err != nil {
			continue
		}
		if name, st, ok := decodeState(b); ok {
			i := found[name]
			i.Name, i.Error, i.FailedAt, i.Next = name, st.Error, st.At, st.Next
			found[name] = i
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b Info) int { return strings.Compare(a.Name, b.Name) }), nil
}

func listKeys(ctx context.Context, s certmagic.Storage, prefix string) ([]string, error) {
	keys, err := s.List(ctx, prefix, true)
	if err != nil && !notExist(err) {
		return nil, err
	}
	return keys, nil
}

var errNotPEM = errors.New("no certificate in PEM form")

// describe reads the first certificate of a chain.
func describe(chain []byte) (Info, error) {
	block, _ := pem.Decode(chain)
	if block == nil || block.Type != "CERTIFICATE" {
		return Info{}, errNotPEM
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return Info{}, err
	}
	i := Info{Issuer: c.Issuer.CommonName, NotAfter: c.NotAfter}
	// About this time it is renewed; the CA's own advice (ARI) may choose another one.
	i.Next = c.NotAfter.Add(-time.Duration(float64(c.NotAfter.Sub(c.NotBefore)) * certmagic.DefaultRenewalWindowRatio))
	if len(c.Issuer.Organization) > 0 {
		i.Issuer = strings.TrimSpace(c.Issuer.Organization[0] + " " + i.Issuer)
	}
	switch {
	case len(c.DNSNames) > 0:
		i.Name = c.DNSNames[0]
	case len(c.IPAddresses) > 0:
		i.Name = c.IPAddresses[0].String()
	default:
		i.Name = c.Subject.CommonName
	}
	return i, nil
}
