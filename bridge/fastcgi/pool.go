package fastcgi

import (
	"bufio"
	"net"
	"sync"
	"time"
)

// idleTime is how long a connection is kept.
const idleTime = 30 * time.Second

// conn is a connection with its buffer.
type conn struct {
	net.Conn
	br    *bufio.Reader
	timer *time.Timer // closes it when it was idle for too long
}

// pool are idle connections, the last one used first: a server that needs fewer of them gets
// the others back.
type pool struct {
	max int

	mu     sync.Mutex
	idle   []*conn
	closed bool
}

// take returns an idle connection; nil: there is none.
func (p *pool) take() *conn {
	if p.max == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle = p.idle[:n-1]
	c.timer.Stop()
	return c
}

// put keeps a connection, or closes it.
func (p *pool) put(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.max {
		c.Close()
		return
	}
	c.timer = time.AfterFunc(idleTime, func() { p.drop(c) })
	p.idle = append(p.idle, c)
}

// drop closes a connection that is still idle.
func (p *pool) drop(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.idle {
		if other == c {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			c.Close()
			return
		}
	}
}

// close closes all idle connections; no further one is kept.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.timer.Stop()
		c.Close()
	}
	p.idle = nil
}
