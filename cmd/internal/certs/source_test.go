package certs

import (
	"crypto/tls"
	"errors"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"a.example.org", "a.example.org", true}, {"*.example.org", "a.example.org", true}, {"*.example.org", "a.b.example.org", false},
		{"*.example.org", "example.org", false}, {"*.example.org", ".example.org", false}, {"*", "localhost", false}, {"a.example.org", "b.example.org", false},
	} {
		if got := Match(c.pattern, c.name); got != c.want {
			t.Errorf("%s for %s: %v", c.pattern, c.name, got)
		}
	}
}

// fixed is a source with one certificate for one name.
type fixed struct {
	name string
	cert *tls.Certificate
	err  error
}

func (f fixed) Certificate(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if h.ServerName != f.name {
		return nil, nil
	}
	return f.cert, f.err
}
func (f fixed) List() []Info { return []Info{{Names: []string{f.name}}} }

func TestSet(t *testing.T) {
	absent, broken := errors.New("absent"), errors.New("broken")
	a, b, first := &tls.Certificate{}, &tls.Certificate{}, &tls.Certificate{}
	s := NewSet(absent, nil, fixed{"a", a, nil}, fixed{"b", b, nil}, fixed{"a", b, nil}, fixed{"c", nil, broken})
	for name, want := range map[string]*tls.Certificate{"a": a, "b": b} {
		if c, err := s.Certificate(&tls.ClientHelloInfo{ServerName: name}); c != want || err != nil {
			t.Errorf("%s: %p %v", name, c, err)
		}
	}
	for name, want := range map[string]error{"c": broken, "d": absent} {
		if _, err := s.Certificate(&tls.ClientHelloInfo{ServerName: name}); err != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(s.List()) != 4 {
		t.Error(s.List())
	}
	s = NewSet(absent, func() *tls.Certificate { return first }, fixed{"a", a, nil})
	if c, err := s.Certificate(&tls.ClientHelloInfo{}); c != first || err != nil {
		t.Errorf("%p %v", c, err)
	}
}
