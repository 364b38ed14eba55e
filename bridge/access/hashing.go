package access

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net/netip"
	"runtime"
	"sync"
	"time"
)

const (
	cacheFor = 10 * time.Minute // a password that was right
	maxCache = 10_000           // of them
	// A client may have so many different passwords checked at a time, and the server so many wait: guesses must
	// not occupy it.
	maxPerClient = 4
	maxWaiting   = 64
	waitFor      = 5 * time.Second
)

var (
	errClientBusy = errors.New("the client has too many passwords checked at a time")
	errBusy       = errors.New("too many passwords wait to be checked")
)

// Hashing checks passwords: few at a time, and those that were right not again for a while. It is shared by all tables and
// outlives reloads.
type Hashing struct {
	secret [32]byte      // of this process: what the cache has says nothing about passwords
	slots  chan struct{} // hashes that run

	mu      sync.Mutex
	right   map[[32]byte]time.Time // passwords that were right, and until when they count
	running map[[32]byte]*checking
	clients map[netip.Addr]int
	waiting int
}

// checking is a password that is checked now. Further requests with it wait for the same result.
type checking struct {
	done chan struct{}
	ok   bool
	err  error
}

// NewHashing returns a Hashing. Half of the processors at most are for passwords.
func NewHashing() *Hashing {
	h := &Hashing{slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), right: map[[32]byte]time.Time{}, running: map[[32]byte]*checking{}, clients: map[netip.Addr]int{}}
	_, _ = rand.Read(h.secret[:]) // never fails
	return h
}

// key stands for a user, a password and a hash. A file that changes makes other keys.
func (h *Hashing) key(parts ...string) (key [32]byte) {
	m := hmac.New(sha256.New, h.secret[:])
	var n [4]byte
	for _, p := range parts {
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		m.Write(n[:])
		m.Write([]byte(p))
	}
	m.Sum(key[:0])
	return key
}

// check reports whether the password of a user is right. A user that does not exist costs as much as one that does: its password
// is compared with the hash of another one. An error: it could not be checked now.
func (h *Hashing) check(ctx context.Context, client netip.Addr, p *passwords, user, password string) (bool, error) {
	hash, known := p.users[user]
	if !known {
		of := h.key(user)
		hash = p.all[binary.BigEndian.Uint64(of[:])%uint64(len(p.all))]
	}
	key := h.key(user, password, hash.String())
	h.mu.Lock()
	if until, ok := h.right[key]; ok && time.Now().Before(until) {
		h.mu.Unlock()
		return true, nil
	}
	c := h.running[key]
	if c == nil {
		leave, err := h.enter(client)
		if err != nil {
			h.mu.Unlock()
			return false, err
		}
		c = &checking{done: make(chan struct{})}
		h.running[key] = c
		h.mu.Unlock()
		h.run(c, key, func() bool { return hash.matches(password) && known })
		leave()
		return c.ok, c.err
	}
	h.mu.Unlock()
	select {
	case <-c.done:
		return c.ok, c.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// enter counts one more that waits; mu is held.
func (h *Hashing) enter(client netip.Addr) (leave func(), err error) {
	if client.Is6() {
		p, _ := client.Prefix(64)
		client = p.Addr()
	}
	switch {
	case client.IsValid() && h.clients[client] >= maxPerClient: // many clients are on one unix socket
		return nil, errClientBusy
	case h.waiting >= maxWaiting:
		return nil, errBusy
	}
	h.waiting++
	h.clients[client]++
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.waiting--
		if h.clients[client]--; h.clients[client] == 0 {
			delete(h.clients, client)
		}
	}, nil
}

// run waits for a slot, which a request of its own does not give up when its client leaves: others may wait for the result.
func (h *Hashing) run(c *checking, key [32]byte, matches func() bool) {
	late := time.NewTimer(waitFor)
	defer late.Stop()
	select {
	case h.slots <- struct{}{}:
		c.ok = matches()
		<-h.slots
	case <-late.C:
		c.err = errBusy
	}
	h.mu.Lock()
	delete(h.running, key)
	if c.ok {
		h.keep(key, time.Now())
	}
	h.mu.Unlock()
	close(c.done)
}

// keep remembers a password that was right; mu is held.
func (h *Hashing) keep(key [32]byte, now time.Time) {
	if len(h.right) >= maxCache {
		for k, until := range h.right { // any of those that are over, or else any
			if delete(h.right, k); now.Before(until) {
				break
			}
		}
	}
	h.right[key] = now.Add(cacheFor)
}
