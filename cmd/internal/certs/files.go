package certs

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Files are certificates in files. They are read when they change.
type Files struct {
	log   hclog.Logger
	table atomic.Pointer[table]

	mu   sync.Mutex
	list []*file
}

// file is one certificate.
type file struct {
	material
	cert    *tls.Certificate
	read    [2]stamp // of cert and key, when they were read, or refused
	looked  [2]stamp // at the last look
	refused string   // why the content of now is not in use; empty: it is
	warned  time.Time
}

// table is an immutable index.
type table struct {
	exact    map[string][]*tls.Certificate // by name
	wildcard map[string][]*tls.Certificate // "*.example.org" by "example.org"
	first    *tls.Certificate
}

// OpenFiles reads all of them. kept is what Keep of another process has returned, for files that
// this process must not read; nil: there is none. The first certificate is the default.
func OpenFiles(pairs []Pair, kept []byte, log hclog.Logger) (*Files, error) {
	old, err := decode(kept)
	if err != nil {
		return nil, err
	}
	f := &Files{log: log}
	now := time.Now()
	for _, p := range pairs {
		one := &file{read: stamps(p)}
		one.looked = one.read
		m, err := p.read()
		if before := old[p]; unreadable(err) && before != nil {
			m, err = before, nil
		}
		if err != nil {
			return nil, err
		}
		one.material = *m
		if one.cert, err = m.parse(); err != nil {
			return nil, err
		}
		for _, text := range doubts(one.cert, p.Cert, now) {
			log.Warn("certificate_doubtful", "path", p.Cert, "names", strings.Join(namesOf(one.cert.Leaf), ", "), "message", text)
		}
		f.list = append(f.list, one)
	}
	f.index()
	f.warn(now)
	return f, nil
}

// Plan reads the certificates of pairs that f does not have yet, and returns what puts pairs in
// force; those that it has, and whose files may have changed, are Look's matter. An error changes
// nothing. One caller plans at a time.
func (f *Files) Plan(pairs []Pair, now time.Time) (apply func(), err error) {
	f.mu.Lock()
	known := map[Pair]*file{}
	for _, one := range f.list {
		known[one.Pair] = one
	}
	f.mu.Unlock()
	var list, added []*file
	for _, p := range pairs {
		one := known[p]
		if one == nil {
			if one, err = open(p, now); err != nil {
				return nil, err
			}
			known[p], added = one, append(added, one)
		}
		list = append(list, one)
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.list = list
		f.index()
		for _, one := range added {
			f.loaded(one, now)
		}
		f.warn(now)
	}, nil
}

// open reads a certificate while others are served: it has to be valid, as one that takes the
// place of another (reload).
func open(p Pair, now time.Time) (*file, error) {
	one := &file{read: stamps(p)}
	one.looked = one.read
	m, err := p.read()
	if unreadable(err) {
		return nil, fmt.Errorf("%w: this process may not read it; a restart can, before it drops privileges", err)
	}
	if err != nil {
		return nil, err
	}
	one.material = *m
	if one.cert, err = m.parse(); err != nil {
		return nil, err
	}
	if why := invalid(one.cert, now); why != "" {
		return nil, fmt.Errorf("the certificate in %s: %s", p.Cert, why)
	}
	return one, nil
}

// invalid is why a certificate is not to take the place of one that is served; empty: it may.
func invalid(c *tls.Certificate, now time.Time) string {
	switch {
	case now.After(c.Leaf.NotAfter):
		return "it expired on " + c.Leaf.NotAfter.Format(time.DateOnly)
	case now.Before(c.Leaf.NotBefore):
		return "it is not valid before " + c.Leaf.NotBefore.UTC().Format(time.DateTime) + " UTC"
	}
	return ""
}

func stamps(p Pair) [2]stamp { return [2]stamp{stampOf(p.Cert), stampOf(p.Key)} }

func sameStamps(a, b [2]stamp) bool { return a[0].same(b[0]) && a[1].same(b[1]) }

// index makes the table. mu is held, or no other goroutine has f.
func (f *Files) index() {
	t := &table{exact: map[string][]*tls.Certificate{}, wildcard: map[string][]*tls.Certificate{}}
	for _, one := range f.list {
		if t.first == nil {
			t.first = one.cert
		}
		for _, name := range namesOf(one.cert.Leaf) {
			if domain, ok := strings.CutPrefix(name, "*."); ok {
				t.wildcard[domain] = append(t.wildcard[domain], one.cert)
			} else {
				t.exact[name] = append(t.exact[name], one.cert)
			}
		}
	}
	f.table.Store(t)
}

// Certificate is Source's.
func (f *Files) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	t := f.table.Load()
	name := strings.TrimSuffix(strings.ToLower(hello.ServerName), ".")
	if name == "" {
		return nil, nil
	}
	list := t.exact[name]
	if len(list) == 0 {
		if _, domain, ok := strings.Cut(name, "."); ok {
			list = t.wildcard[domain]
		}
	}
	for _, c := range list {
		if len(list) == 1 || hello.SupportsCertificate(c) == nil {
			return c, nil
		}
	}
	if len(list) > 0 {
		return list[0], nil
	}
	return nil, nil
}

// First is the default; nil: there is none.
func (f *Files) First() *tls.Certificate { return f.table.Load().first }

// List is Source's.
func (f *Files) List() []Info {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]Info, len(f.list))
	for i, one := range f.list {
		leaf := one.cert.Leaf
		list[i] = Info{Names: namesOf(leaf), Issuer: issuer(leaf.Issuer.CommonName, leaf.Issuer.String()), NotAfter: leaf.NotAfter, Source: one.Cert, Error: one.refused}
	}
	return list
}

func issuer(common, whole string) string {
	if common != "" {
		return common
	}
	return whole
}

// Keep returns the certificates with their keys, for the process of an upgrade.
func (f *Files) Keep() ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]*material, len(f.list))
	for i, one := range f.list {
		list[i] = &one.material
	}
	return json.Marshal(list)
}

// Look reads files that have changed and warns of certificates that expire soon. Files are read
// when they were the same at two looks, so that both halves of a pair can be replaced between
// them. It is called by one goroutine, about twice a second.
func (f *Files) Look(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	changed := false
	for _, one := range f.list {
		is := stamps(one.Pair)
		settled := sameStamps(is, one.looked)
		one.looked = is
		if !settled || sameStamps(is, one.read) {
			continue
		}
		one.read = is
		changed = f.reload(one, now) || changed
	}
	if changed {
		f.index()
	}
	f.warn(now)
}

// reload reads the files of one again, and reports whether it has another certificate. mu is
// held.
func (f *Files) reload(one *file, now time.Time) bool {
	m, err := one.Pair.read()
	var c *tls.Certificate
	if err == nil {
		c, err = m.parse()
	}
	refused := ""
	if err != nil {
		refused = err.Error()
	} else {
		refused = invalid(c, now)
	}
	if one.refused = refused; refused != "" {
		f.log.Error("certificate_refused", "path", one.Cert, "names", strings.Join(namesOf(one.cert.Leaf), ", "), "error", refused,
			"message", "the new certificate in "+one.Cert+" is refused, and the old one stays: "+refused)
		return false
	}
	if bytes.Equal(m.CertPEM, one.CertPEM) && bytes.Equal(m.KeyPEM, one.KeyPEM) {
		return false
	}
	one.material, one.cert, one.warned = *m, c, time.Time{}
	f.loaded(one, now)
	return true
}

// loaded writes the records of a certificate that is new. mu is held.
func (f *Files) loaded(one *file, now time.Time) {
	names := strings.Join(namesOf(one.cert.Leaf), ", ")
	f.log.Info("certificate_loaded", "path", one.Cert, "names", names, "days", days(one.cert, now), "message", "a new certificate for "+names+" is in use")
	for _, text := range doubts(one.cert, one.Cert, now) {
		f.log.Warn("certificate_doubtful", "path", one.Cert, "names", names, "message", text)
	}
}

// soon is from when on a certificate that expires is a warning: 14 days, or a third of its life
// where that is less.
func soon(c *tls.Certificate) time.Duration {
	return min(14*24*time.Hour, c.Leaf.NotAfter.Sub(c.Leaf.NotBefore)/3)
}

func days(c *tls.Certificate, now time.Time) int {
	return int(c.Leaf.NotAfter.Sub(now).Hours() / 24)
}

// warn writes a record a day for each certificate that expires soon. mu is held, or no other
// goroutine has f.
func (f *Files) warn(now time.Time) {
	for _, one := range f.list {
		left := one.cert.Leaf.NotAfter.Sub(now)
		if left > soon(one.cert) || now.Sub(one.warned) < 24*time.Hour {
			continue
		}
		one.warned = now
		names, text := strings.Join(namesOf(one.cert.Leaf), ", "), "expires on "
		if left <= 0 {
			text = "expired on "
		}
		f.log.Warn("certificate_expires", "path", one.Cert, "names", names, "days", days(one.cert, now),
			"message", "the certificate for "+names+" "+text+one.cert.Leaf.NotAfter.Format(time.DateOnly)+"; renew "+one.Cert)
	}
}

// Missing are those of the hosts, names and "*.example.org", that no certificate is for.
func Missing(list []Info, hosts []string) (missing []string) {
	for _, h := range hosts {
		found := false
		for _, i := range list {
			for _, n := range i.Names {
				found = found || Match(n, strings.ToLower(h))
			}
		}
		if !found {
			missing = append(missing, h)
		}
	}
	return missing
}
