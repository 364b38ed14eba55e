package certs

import (
	"bytes"
	"crypto/tls"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/integration/testca"
)

// put writes a certificate for the names, that is valid for life.
func put(t *testing.T, p Pair, life time.Duration, names ...string) {
	t.Helper()
	c := testca.For(names...)
	c.NotAfter = time.Now().Add(life)
	testca.SelfSigned(t, c).Write(t, p.Cert, p.Key)
}

func pairIn(t *testing.T) Pair {
	dir := t.TempDir()
	return Pair{filepath.Join(dir, "cert"), filepath.Join(dir, "key")}
}

func TestFilesLook(t *testing.T) {
	var out bytes.Buffer
	log := hclog.New(&hclog.LoggerOptions{Output: &out, Level: hclog.Info})
	p, other := pairIn(t), pairIn(t)
	put(t, p, 90*24*time.Hour, "a.example.org", "*.a.example.org")
	put(t, other, 90*24*time.Hour, "b.example.org")
	f, err := OpenFiles([]Pair{p, other}, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	named := func(name string) string {
		c, err := f.Certificate(&tls.ClientHelloInfo{ServerName: name})
		if err != nil {
			t.Fatal(err)
		}
		if c == nil {
			return ""
		}
		return c.Leaf.DNSNames[0]
	}
	for name, want := range map[string]string{"a.example.org": "a.example.org", "A.example.ORG.": "a.example.org", "x.a.example.org": "a.example.org", "x.y.a.example.org": "", "b.example.org": "b.example.org", "": ""} {
		if got := named(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if f.First().Leaf.DNSNames[0] != "a.example.org" {
		t.Error("the first is not the default")
	}
	now := time.Now()
	f.Look(now)
	put(t, p, 90*24*time.Hour, "c.example.org")
	f.Look(now)
	if named("c.example.org") != "" {
		t.Error("a file was read that may be half written")
	}
	f.Look(now)
	if named("c.example.org") != "c.example.org" || named("a.example.org") != "" || named("b.example.org") != "b.example.org" {
		t.Error("the new certificate is not in use")
	}
	if err := os.Remove(p.Key); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		f.Look(now)
	}
	if n := strings.Count(out.String(), "certificate_refused"); n != 1 || f.List()[0].Error == "" || named("c.example.org") == "" {
		t.Errorf("%d records, %+v", n, f.List())
	}
	put(t, p, 90*24*time.Hour, "d.example.org")
	f.Look(now)
	f.Look(now)
	if named("d.example.org") == "" || f.List()[0].Error != "" {
		t.Errorf("%+v", f.List())
	}
}

// A process that may not read the files has those of the process before it.
func TestFilesKeep(t *testing.T) {
	log := hclog.NewNullLogger()
	p := pairIn(t)
	put(t, p, time.Hour, "a.example.org")
	f, err := OpenFiles([]Pair{p}, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := f.Keep()
	if err != nil {
		t.Fatal(err)
	}
	list, err := decode(kept)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := list[p].parse(); err != nil || !c.Leaf.Equal(f.First().Leaf) {
		t.Errorf("%v", err)
	}
	if _, err := OpenFiles([]Pair{p}, []byte("x"), log); err == nil {
		t.Error("garbage was taken")
	}
	if os.Getuid() != 0 { // root can read everything
		if err := os.Chmod(p.Key, 0); err != nil {
			t.Fatal(err)
		}
		if again, err := OpenFiles([]Pair{p}, kept, log); err != nil || !again.First().Leaf.Equal(f.First().Leaf) {
			t.Error(err)
		}
	}
}

func TestMissing(t *testing.T) {
	list := []Info{{Names: []string{"a.example.org", "*.b.example.org"}}}
	if got := Missing(list, []string{"a.example.org", "x.b.example.org", "b.example.org", "*.b.example.org", "C.example.org"}); !slices.Equal(got, []string{"b.example.org", "C.example.org"}) {
		t.Error(got)
	}
}

func TestTickets(t *testing.T) {
	var now [][32]byte
	set := func(k [][32]byte) { now = slices.Clone(k) }
	at := time.Now()
	tickets, err := NewTickets(nil, at, set)
	if err != nil || len(now) != 1 {
		t.Fatal(err, now)
	}
	first := now[0]
	for i := range 6 {
		at = at.Add(ticketTurn)
		tickets.Look(at)
		tickets.Look(at)
		if want := min(i+2, ticketKeys); len(now) != want || slices.Contains(now, first) != (i+2 <= ticketKeys) || now[0] == now[1] {
			t.Errorf("turn %d: %d keys", i, len(now))
		}
	}
	old := now
	if _, err := NewTickets(tickets.Keep(), at, set); err != nil || !slices.Equal(now, old) {
		t.Error("the keys are not those that were kept", err)
	}
	for _, bad := range [][]byte{make([]byte, 31), make([]byte, 32*(ticketKeys+1))} {
		if _, err := NewTickets(bad, at, set); err == nil {
			t.Errorf("%d bytes were taken", len(bad))
		}
	}
}
