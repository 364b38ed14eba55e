package cachestore

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/cache"
)

// An answer of 1 KB is loaded.
func BenchmarkLoad(b *testing.B) {
	s := newServer(b)
	m := s.newMachine()
	page := answer("http://h/p", strings.Repeat("x", 1024), "g")
	m.save(page)
	for b.Loop() {
		if list, err := m.Load(context.Background(), page.Key); len(list) != 1 {
			b.Fatal(err)
		}
	}
}

// Nothing is there.
func BenchmarkLoadNothing(b *testing.B) {
	m := newServer(b).newMachine()
	for b.Loop() {
		if _, err := m.Load(context.Background(), cache.Key{1}); err != nil {
			b.Fatal(err)
		}
	}
}

// One machine purges; the time ends when the other one has followed.
func BenchmarkPurgeFollowed(b *testing.B) {
	s := newServer(b)
	m, o := s.newMachine(), s.newMachine()
	n := 1
	for b.Loop() {
		m.purge(cache.Purge{URL: "http://h/p"})
		for n++; ; time.Sleep(10 * time.Microsecond) {
			if _, f, _, _ := o.told(); len(f) >= n {
				break
			}
		}
	}
}
