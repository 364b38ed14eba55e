package cachestore

import (
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/bridgetest"
)

// One machine gets the lock; the others learn when it ends, or when the answer is there.
func TestLock(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a, b := s.newMachine(), s.newMachine()
	page := answer("http://h/p", "page")
	isClosed := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	lock := func(m *machine, most time.Duration) (func(), <-chan struct{}) {
		t.Helper()
		end, done, err := m.Lock(t.Context(), page.Key, most)
		if err != nil {
			t.Fatal(err)
		}
		return end, done
	}
	end, done := lock(a, time.Minute)
	if done != nil {
		t.Fatal("the first has it not")
	}
	leave, done := lock(b, time.Minute)
	if done == nil || isClosed(done) {
		t.Fatal("two have it")
	}
	again, same := lock(b, time.Minute)
	a.save(page)
	bridgetest.Until(t, "the answer is told of", func() bool { return isClosed(done) && isClosed(same) })
	leave()
	again()
	if got := b.has(page); got != "page" {
		t.Error(got)
	}
	leave, done = lock(b, time.Minute)
	second, own := lock(a, time.Minute) // of another client of the same machine
	if own == nil || isClosed(own) {
		t.Error("one machine has it twice")
	}
	defer second()
	end()
	if !isClosed(own) {
		t.Error("the end is not told of on the machine itself")
	}
	bridgetest.Until(t, "the end is told of", func() bool { return isClosed(done) })
	leave()
	end, done = lock(b, 50*time.Millisecond)
	if !isClosed(done) { // b has it, and may look first
		t.Fatal("the lock has not ended")
	}
	leave, done = lock(a, time.Minute)
	bridgetest.Until(t, "it expires", func() bool { return isClosed(done) })
	leave()
	mine, done := lock(a, time.Minute)
	end() // of the one that has expired
	if leave, still := lock(b, time.Minute); still == nil {
		t.Error("one that has expired ends the next one")
	} else {
		defer leave()
		done = still
	}
	s.kill()
	bridgetest.Until(t, "the loss ends the wait", func() bool { return isClosed(done) })
	mine()
	if n := len(b.peer.waiters.byKey); n != 0 {
		t.Error(n)
	}
}
