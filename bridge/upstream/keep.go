package upstream

import (
	"sync"
	"time"
)

// proof is for how long a server must have kept an idle connection before a request that must not run twice uses one of
// them, and proofPart is which part of that time such a connection may have been idle: a server that ends idle connections
// does so at an age that is far away then.
const (
	proof     = time.Second
	proofPart = 4
)

// fresh is for how long a connection that was used is not looked at before a request that may run twice: the server answered on it
// a moment ago. What it might say unasked within that time it could as well say behind a look.
const fresh = time.Millisecond

// keep are the idle connections to one server, the last one used first: a server that needs fewer of them gets the others
// back.
type keep struct {
	max  int
	idle time.Duration // how long one is kept; 0: for ever

	mu     sync.Mutex
	conns  []*conn1
	proven time.Duration // how old the oldest idle one is that was alive, and younger than any that was not
	timer  *time.Timer   // looks after them; nil: there is none yet
	closed bool
}

// take returns an idle connection that is alive; nil: there is none. once: the request must not run twice.
func (k *keep) take(once bool, now time.Time) *conn1 {
	for {
		k.mu.Lock()
		n := len(k.conns)
		if n == 0 || once && (k.proven < proof || now.Sub(k.conns[n-1].since) > k.proven/proofPart) {
			k.mu.Unlock()
			return nil
		}
		c := k.conns[n-1]
		k.conns[n-1] = nil
		k.conns = k.conns[:n-1]
		k.mu.Unlock()
		if !once && now.Sub(c.since) < fresh || k.look(c, now) {
			return c
		}
		c.Close()
	}
}

// look reports whether an idle connection may still be used, and learns from it.
func (k *keep) look(c *conn1, now time.Time) bool {
	age := now.Sub(c.since)
	if k.idle > 0 && age >= k.idle {
		return false
	}
	lives := c.socket.alive()
	k.mu.Lock()
	defer k.mu.Unlock()
	if lives {
		k.proven = max(k.proven, age)
	} else {
		k.proven = min(k.proven, age)
	}
	return lives
}

// put keeps a connection; false: it must be closed.
func (k *keep) put(c *conn1) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed || len(k.conns) >= k.max {
		return false
	}
	c.since = time.Now()
	k.conns = append(k.conns, c)
	if len(k.conns) == 1 {
		if k.timer == nil {
			k.timer = time.AfterFunc(proof, k.sweep)
		} else {
			k.timer.Reset(proof)
		}
	}
	return true
}

// sweep closes connections that are too old or dead, and comes again while there are others.
func (k *keep) sweep() {
	k.mu.Lock()
	list := k.conns
	k.conns = nil // while they are looked at
	k.mu.Unlock()
	now := time.Now()
	left := list[:0]
	for _, c := range list {
		if k.look(c, now) {
			left = append(left, c)
		} else {
			c.Close()
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range k.conns { // those that came meanwhile
		if len(left) < k.max {
			left = append(left, c)
		} else {
			c.Close()
		}
	}
	k.conns = left
	if k.closed {
		k.drop()
	} else if len(k.conns) > 0 {
		k.timer.Reset(proof)
	}
}

// close closes all idle connections; no further one is kept.
func (k *keep) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	k.drop()
}

func (k *keep) drop() {
	for _, c := range k.conns {
		c.Close()
	}
	k.conns = nil
}
