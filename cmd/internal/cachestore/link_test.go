package cachestore

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/cache"
)

// A machine is told of changes that others make to what it has read, and of their purges, but not of its own.
func TestTold(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a, b := s.newMachine(), s.newMachine()
	page, unread := answer("http://h/p", "one", "g"), answer("http://h/unread", "x")
	told := func(m *machine, n int) {
		t.Helper()
		bridgetest.Until(t, "the machine is told", func() bool { f, _, _, _ := m.told(); return len(f) >= n })
		if f, _, _, _ := m.told(); len(f) != n || f[n-1] != page.Key {
			t.Fatalf("%d, not %d", len(f), n)
		}
	}
	b.has(page)
	a.save(page, unread) // b has read that there is none
	told(b, 1)
	b.has(page)
	a.save(refreshed(page))
	told(b, 2)
	b.has(page)
	b.save(refreshed(page)) // its own
	b.save(refreshed(page))
	a.save(refreshed(page))
	told(b, 3)
	b.has(page)
	if err := a.Remove(t.Context(), page.Key); err != nil {
		t.Fatal(err)
	}
	told(b, 4)
	b.has(page)
	s.do("SET", b.peer.names.key(answers, page.Key), "by hand")
	told(b, 5)
	s.do("DEL", b.peer.names.key(answers, page.Key))

	p := cache.Purge{Group: "g", Origin: "http://h", Apps: []string{"shop"}, Soft: true}
	a.purge(p)
	bridgetest.Until(t, "the purge is told", func() bool { _, f, _, _ := b.told(); return len(f) >= 2 })
	_, f, _, _ := b.told()
	if got := f[1]; time.Since(got.At) > time.Minute || got.Group != p.Group || got.Origin != p.Origin || !slices.Equal(got.Apps, p.Apps) || !got.Soft {
		t.Errorf("%+v", got)
	}
	_, _, trusted, trusts := b.told()
	if !trusted || trusts != 1 {
		t.Error(trusted, trusts)
	}
	s.do("FLUSHALL")
	bridgetest.Until(t, "all is doubted", func() bool { _, _, trusted, n := b.told(); return trusted && n >= 2 })
	b.save(refreshed(page))
	if got := a.has(page); got != "" {
		t.Errorf("%q was asked for before the log began", got)
	}
	bridgetest.Until(t, "the other one is told", func() bool { forgotten, _, _, _ := a.told(); return len(forgotten) >= 2 })
	if forgotten, f, _, _ := a.told(); len(forgotten) != 2 || len(f) != 1 { // of what b has stored, and of what was done by hand
		t.Errorf("told of its own: %d %+v", len(forgotten), f)
	}
}

// When one of the connections ends, nothing is trusted until there are others, and what was missed is made up for.
func TestConnectionLost(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a, b := s.newMachine(), s.newMachine()
	page := answer("http://h/p", "one", "g")
	b.has(page)
	for i, typ := range []string{"pubsub", "normal"} {
		_, before, _, trusts := b.told()
		for _, l := range strings.Split(string(s.do("CLIENT", "LIST", "TYPE", typ).([]byte)), "\n") {
			if id, _, _ := strings.Cut(strings.TrimPrefix(l, "id="), " "); id != "" && !strings.Contains(l, "cmd=client") {
				s.do("CLIENT", "KILL", "ID", id)
			}
		}
		a.purge(cache.Purge{URL: fmt.Sprint("http://h/", i)})
		bridgetest.Until(t, "the machine is connected again", func() bool {
			_, _ = b.Load(t.Context(), page.Key)
			_, followed, trusted, n := b.told()
			return trusted && n > trusts && len(followed) > len(before)
		})
		_, followed, _, _ := b.told()
		if got := followed[len(before)]; got.URL != fmt.Sprint("http://h/", i) {
			t.Errorf("%s: %+v", typ, got)
		}
		bridgetest.Until(t, "it stores", func() bool {
			page.Began = time.Now()
			_ = b.Save(t.Context(), page)
			list, _ := a.Load(t.Context(), page.Key)
			return len(list) == 1
		})
	}
}

// While the server is away no request waits for it; it is said once. What was purged meanwhile does not come back, though the server still has it.
func TestAway(t *testing.T) {
	t.Parallel()
	s := newServer(t, "--appendonly", "yes", "--appendfsync", "always")
	a, b := s.newMachine(), s.newMachine()
	page, removed, kept := answer("http://h/p", "page"), answer("http://h/r", "removed"), answer("http://h/k", "kept")
	a.save(page, removed, kept)
	s.kill()
	bridgetest.Until(t, "the loss is noticed", func() bool { return a.Stats().Away && b.Stats().Away })
	began := time.Now()
	for range 10_000 {
		if list, err := a.Load(t.Context(), page.Key); err != cache.ErrAway || list != nil {
			t.Fatal(list, err)
		}
	}
	if took := time.Since(began); took > time.Minute { // each would wait for ten seconds
		t.Errorf("10,000 requests wait %v for a server that is away", took)
	}
	if err := a.Save(t.Context(), page); err != cache.ErrAway {
		t.Error(err)
	}
	if _, _, err := a.Lock(t.Context(), page.Key, time.Second); err != cache.ErrAway {
		t.Error(err)
	}
	bridgetest.Until(t, "memory is trusted no more", func() bool { _, _, trusted, _ := a.told(); return !trusted })
	a.purge(cache.Purge{URL: "http://h/p"})
	if err := a.Remove(t.Context(), removed.Key); err != nil {
		t.Error(err)
	}
	bridgetest.Until(t, "cache_store_away", func() bool { return strings.Contains(a.log.String(), "cache_store_away") })
	s.start()
	for _, m := range []*machine{a, b} {
		bridgetest.Until(t, "cache_store_back", func() bool { return strings.Contains(m.log.String(), "cache_store_back") })
		if n := strings.Count(m.log.String(), "cache_store_"); n != 2 {
			t.Error(m.log.String())
		}
	}
	if got := a.has(page) + a.has(removed) + a.has(kept); got != "kept" {
		t.Errorf("%q on the machine of the purge", got)
	}
	if got := b.has(page) + b.has(removed) + b.has(kept); got != "kept" {
		t.Errorf("%q on the other one", got)
	}
	bridgetest.Until(t, "the purge is told", func() bool {
		_, f, _, _ := b.told()
		return slices.ContainsFunc(f, func(p cache.Purge) bool { return p.URL == "http://h/p" })
	})
	bridgetest.Until(t, "memory is trusted again", func() bool { _, _, trusted, _ := b.told(); return trusted })
	if _, _, _, n := b.told(); n != 2 {
		t.Error(n)
	}
}

// Beyond a bound the purges of an outage become one of all.
func TestQueue(t *testing.T) {
	t.Parallel()
	var q queue
	for i := range mostWaiting + 1 {
		if n := len(q.list); n != i {
			t.Fatal(n, i)
		}
		q.add(change{purge: cache.Purge{URL: fmt.Sprint(i)}})
		if i < mostWaiting {
			q.add(change{purge: cache.Purge{URL: fmt.Sprint(i)}})
		}
	}
	if len(q.list) != 1 || !q.list[0].everything() {
		t.Fatalf("%d", len(q.list))
	}
	q.add(change{key: &cache.Key{}})
	if len(q.list) != 1 {
		t.Error("added to all")
	}
	failed := false
	var done []change
	do := func(list []change) (int, error) {
		if !failed {
			failed = true
			q.add(change{purge: cache.Purge{URL: "late"}})
			return 0, errSomething
		}
		if done = append(done, list[0]); len(done) == 1 {
			q.add(change{purge: cache.Purge{URL: "later"}})
		}
		return 1, nil
	}
	if err := q.apply(do); err != errSomething || !q.some.Load() {
		t.Error(err)
	}
	if err := q.apply(do); err != nil || q.some.Load() {
		t.Error(err)
	}
	if len(done) != 2 || !done[0].everything() || done[1].purge.URL != "later" {
		t.Errorf("%+v", done)
	}
}

var errSomething = fmt.Errorf("something")

// A server that comes back without what it had, and one that is full, are no reason for errors or for old answers.
func TestEmptyAndFull(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a, b := s.newMachine(), s.newMachine()
	page := answer("http://h/p", "page")
	a.save(page)
	s.kill()
	bridgetest.Until(t, "the loss is noticed", func() bool { return a.Stats().Away && b.Stats().Away })
	s.start()
	bridgetest.Until(t, "it is back", func() bool { return !a.Stats().Away && !b.Stats().Away })
	bridgetest.Until(t, "all is dropped", func() bool {
		_, f, _, _ := b.told()
		return len(f) >= 2 && f[len(f)-1].All && !f[len(f)-1].At.Before(page.Began)
	})
	b.save(page)
	if got := a.has(page); got != "" {
		t.Errorf("%q is from before", got)
	}
	b.save(refreshed(page))
	if got := a.has(page); got != "page" {
		t.Errorf("%q", got)
	}
	s.do("CONFIG", "SET", "maxmemory", "1")
	s.do("CONFIG", "SET", "maxmemory-policy", "noeviction")
	if err := b.Save(t.Context(), refreshed(page)); err == nil {
		t.Error("it is full, and takes more")
	}
	if got := a.has(page); got != "page" {
		t.Errorf("%q", got)
	}
	a.purge(cache.Purge{URL: "http://h/p"})
	if list, err := a.Load(t.Context(), page.Key); len(list) != 0 {
		t.Errorf("%v %v: a purge that found no room", list, err)
	}
	s.do("CONFIG", "SET", "maxmemory", "0")
	bridgetest.Until(t, "the purge is made", func() bool { list, err := b.Load(t.Context(), page.Key); return err == nil && len(list) == 0 })
}

// A server that is stopped costs a request 200 ms at most, and others next to nothing.
func TestStopped(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	m := s.machine(patience)
	page := answer("http://h/p", "page")
	bridgetest.Until(t, "it stores", func() bool { _ = m.Save(t.Context(), refreshed(page)); return m.Stats().Saved > 0 })
	s.signal(syscall.SIGSTOP)
	defer s.signal(syscall.SIGCONT)
	began := time.Now()
	var all sync.WaitGroup
	for range 3000 { // one after the other they would wait for five minutes
		all.Go(func() {
			if list, err := m.Load(t.Context(), page.Key); err == nil || list != nil {
				t.Error(list, err)
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took > time.Minute {
		t.Errorf("requests wait for %v", took)
	}
	began = time.Now()
	for range 1000 {
		if _, err := m.Load(t.Context(), page.Key); !errors.Is(err, cache.ErrAway) {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("1000 requests wait for %v", took)
	}
	s.signal(syscall.SIGCONT)
	bridgetest.Until(t, "it is back", func() bool { list, err := m.Load(t.Context(), page.Key); return err == nil && len(list) == 1 })
}

// A server that takes connections and says nothing does not keep the process from starting.
func TestHangs(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s := &server{t: t, socket: ln.Addr().String()}
	began := time.Now()
	m := s.newMachine()
	if _, err := m.Load(t.Context(), cache.Key{}); err != cache.ErrAway {
		t.Error(err)
	}
	m.Close()
	if took := time.Since(began); took > 2*time.Minute {
		t.Error(took)
	}
}

// The user of docs/cache.md is allowed what is needed, and one who may do less is told what is missing.
func TestUser(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	page, err := os.ReadFile("../../../docs/cache.md")
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(page), "\nACL SETUSER ")
	line, _, _ = strings.Cut(line, "\n")
	args := []any{"SETUSER"}
	for _, word := range strings.Fields(line) {
		args = append(args, strings.ReplaceAll(word, "standpipe:cache:", "test:"))
	}
	s.do("ACL", args...)
	m := &machine{t: t}
	open := func() {
		if m.Store, err = Open(Options{URL: "unix://webcache:secret@" + s.socket, Prefix: "test:", Log: hclog.New(&hclog.LoggerOptions{Output: &m.log})}); err != nil {
			t.Fatal(err)
		}
		m.peer.patience = 10 * time.Second
		m.Watch(m)
	}
	open()
	one := answer("http://h/p", "one", "g")
	m.save(one)
	for _, p := range []cache.Purge{{URL: "http://h/p"}, {Prefix: "/x"}, {Group: "x"}, {All: true}} {
		m.purge(p)
	}
	m.save(refreshed(one))
	if got := m.has(one); got != "one" {
		t.Errorf("%q", got)
	}
	if err := m.Remove(t.Context(), one.Key); err != nil {
		t.Error(err)
	}
	end, _, err := m.Lock(t.Context(), one.Key, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	end()
	if m.Stats().Away || m.log.String() != "" {
		t.Error(m.log.String())
	}
	m.Close()
	s.do("ACL", "SETUSER", "webcache", "resetchannels")
	open()
	defer m.Close()
	bridgetest.Until(t, "the reason", func() bool { return strings.Contains(m.log.String(), "NOPERM") })
	if !strings.Contains(m.log.String(), "docs/cache.md") || !strings.Contains(m.log.String(), "__redis__:invalidate") {
		t.Error(m.log.String())
	}
}
