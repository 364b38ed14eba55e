package cachestore

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/cache/rules"
)

// A purge ends what it names, for all machines and at once, and nothing else; softly, it becomes stale.
func TestPurge(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a, b := s.newMachine(), s.newMachine()
	pages := map[string]*cache.Answer{}
	make := func(name, app, url string, groups ...string) {
		p := answer(url, name, groups...)
		p.App = app
		pages[name] = p
	}
	make("home", "shop", "http://h/", "all")
	make("one", "shop", "http://h/a/1", "all", "odd")
	make("two", "shop", "http://h/a/2", "all")
	make("far", "shop", "http://far/a/1", "all", "odd")
	make("blog", "blog", "http://h/a/3", "all", "odd")
	for _, c := range []struct {
		purge cache.Purge
		ended string
	}{
		{cache.Purge{URL: "http://h/a/1"}, "one"},
		{cache.Purge{URL: "/a/1"}, "one far"},
		{cache.Purge{URL: "/a/1", Apps: []string{"blog", "other"}}, ""},
		{cache.Purge{URL: "http://h/a/3", Apps: []string{"other", "blog"}}, "blog"},
		{cache.Purge{Prefix: "http://h/a/"}, "one two blog"},
		{cache.Purge{Prefix: "/a/", Apps: []string{"shop"}}, "one two far"},
		{cache.Purge{Group: "odd", Origin: "http://h"}, "one blog"},
		{cache.Purge{Group: "odd"}, "one far blog"},
		{cache.Purge{Group: "odd", Apps: []string{"shop"}}, "one far"},
		{cache.Purge{Group: "odd", Origin: "http://far", Apps: []string{"shop"}}, "far"},
		{cache.Purge{Group: "none"}, ""},
		{cache.Purge{All: true, Apps: []string{"blog"}}, "blog"},
		{cache.Purge{All: true}, "home one two far blog"},
	} {
		for _, soft := range []bool{false, true} {
			before := map[string]rules.Terms{}
			for name, p := range pages {
				b.has(p)
				p.Began = time.Now()
				b.save(p)
				list, err := a.Load(t.Context(), p.Key)
				if err != nil || len(list) != 1 {
					t.Fatal(name, list, err)
				}
				before[name] = list[0].Terms
			}
			c.purge.Soft = soft
			a.purge(c.purge)
			ended := ""
			for _, name := range []string{"home", "one", "two", "far", "blog"} {
				list, err := b.Load(t.Context(), pages[name].Key)
				gone := len(list) == 0
				if soft && !gone {
					gone = !reflect.DeepEqual(list[0].Terms, before[name])
				}
				if gone {
					ended += " " + name
				}
				if err != nil || soft && len(list) != 1 {
					t.Errorf("%+v: %s: %d %v", c.purge, name, len(list), err)
				}
			}
			if ended != "" {
				ended = ended[1:]
			}
			if ended != c.ended {
				t.Errorf("%+v ends %q", c.purge, ended)
			}
			a.purge(cache.Purge{All: true})
			bridgetest.Until(t, "the purge is followed", func() bool { return b.heardAll(a) })
		}
	}
	_, followed, _, _ := a.told()
	if len(followed) != 1 { // that of the start: the log has just begun
		t.Error("a machine follows its own purges")
	}
}

// heardAll reports whether m knows all purges that o does.
func (m *machine) heardAll(o *machine) bool {
	return m.peer.past.at(time.Now()) >= o.peer.past.at(time.Now())
}

// What was asked for before a purge is not stored after it, here and elsewhere; what was asked for after it is.
func TestFetchAcrossPurge(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a, b := s.newMachine(), s.newMachine()
	for i, p := range []cache.Purge{{URL: "http://h/p"}, {Group: "g"}, {Prefix: "http://h/"}, {All: true}} {
		for j, m := range []*machine{a, b} {
			for _, evicted := range []bool{false, true} {
				what := fmt.Sprintf("%+v on machine %d, evicted %v", p, j, evicted)
				page := answer("http://h/p", fmt.Sprint(i), "g")
				m.has(page)
				page.Began = time.Now()
				other := answer("http://other/", "other")
				a.purge(p)
				if evicted {
					for _, k := range s.keys("*}t:*") {
						s.do("DEL", k)
					}
				}
				m.save(page, other)
				if got := b.has(page); got != "" {
					t.Errorf("%s: %q was asked for before the purge", what, got)
				}
				if got := a.has(other); got != "other" && !p.All {
					t.Errorf("%s: another page: %q", what, got)
				}
				bridgetest.Until(t, "the purge is heard", func() bool { return m.heardAll(a) })
				page.Began = time.Now()
				m.save(page)
				if got := a.has(page) + b.has(page); got != fmt.Sprint(i)+fmt.Sprint(i) {
					t.Errorf("%s: after the purge: %q", what, got)
				}
			}
		}
	}
}

// Whatever the server evicts, nothing that was purged comes back.
func TestEvicted(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a, b := s.newMachine(), s.newMachine()
	page := answer("http://h/p", "page", "g")
	for _, p := range []cache.Purge{{URL: "http://h/p"}, {Group: "g", Apps: []string{"shop"}}, {Prefix: "http://h/p"}, {All: true}} {
		for _, pattern := range []string{"*}t:*", "*log", "*wide"} {
			b.has(page)
			page.Began = time.Now()
			b.save(page)
			if got := a.has(page); got != "page" {
				t.Fatalf("%+v %s: %q", p, pattern, got)
			}
			a.purge(p)
			for _, k := range s.keys(pattern) {
				s.do("DEL", k)
			}
			if got := a.has(page); got != "" {
				t.Errorf("%+v, %s evicted: %q", p, pattern, got)
			}
			a.purge(cache.Purge{URL: "http://h/other"})
			bridgetest.Until(t, "the purge is heard", func() bool { return b.heardAll(a) })
		}
	}
	// A target that a later purge makes again says nothing of those before.
	b.save(refreshed(page))
	a.purge(cache.Purge{URL: "/p"})
	for _, k := range s.keys("*}t:*") {
		s.do("DEL", k)
	}
	a.purge(cache.Purge{Group: "g", Origin: "http://elsewhere"})
	a.purge(cache.Purge{URL: "http://elsewhere/p"})
	if got := b.has(page); got != "" {
		t.Error(got)
	}
}

func refreshed(a *cache.Answer) *cache.Answer {
	b := *a
	b.Began = time.Now()
	return &b
}

// The server remembers a bounded number of purges; answers that are older than those are gone, others are not.
func TestManyPurges(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	m := s.newMachine()
	page, late := answer("http://h/p", "page"), answer("http://h/late", "late")
	m.has(page)
	page.Began = time.Now()
	m.save(page)
	for i := range mostLog + 10 {
		m.purge(cache.Purge{URL: fmt.Sprint("http://h/", i)})
	}
	m.save(late) // it was asked for before all of them
	if got := m.has(page); got != "page" {
		t.Errorf("%q after purges of other pages", got)
	}
	if got := m.has(late); got != "" {
		t.Errorf("%q, though the log does not reach back", got)
	}
	for i := range mostWide + 1 {
		m.purge(cache.Purge{Prefix: fmt.Sprint("http://other/", i)})
	}
	if got := m.has(page); got != "" {
		t.Errorf("%q after more wide purges than are remembered", got)
	}
	m.save(refreshed(page))
	if got := m.has(page); got != "page" {
		t.Error(got)
	}
	for i := range 70 { // narrower and narrower: a target has a bounded number of scopes
		m.purge(cache.Purge{URL: fmt.Sprintf("http://h%d/p", i)})
	}
	if got := m.has(page); got != "" {
		t.Errorf("%q after purges of 70 hosts", got)
	}
	if n := s.do("LLEN", m.peer.names.log()).(int64); n > mostLog {
		t.Error(n)
	}
	if n := s.do("LLEN", m.peer.names.wide()).(int64); n > mostWide+1 {
		t.Error(n)
	}
}
