package uwsgi

import (
	"net"
	"sync/atomic"
)

// crew are the goroutines of one listener. One of them waits for a connection; when it
// has one it lets the next wait, and serves. A connection carries one request, so a
// goroutine for each would be made, grow its stack, and end, for every request.
type crew struct {
	srv  *Server
	ln   net.Listener
	turn chan struct{} // capacity 1: full while somebody may wait for a connection
	rest atomic.Int32  // goroutines that wait for their turn
	done chan error    // why no more connections come; capacity 1
}

// maxRest is how many goroutines wait for their turn; more end.
const maxRest = 64

func newCrew(s *Server, ln net.Listener) *crew {
	c := &crew{srv: s, ln: ln, turn: make(chan struct{}, 1), done: make(chan error, 1)}
	c.turn <- struct{}{}
	return c
}

// work returns when no more connections come. Those that are served go on: the
// Server's running is what is waited for.
func (c *crew) work() error {
	go c.member()
	return <-c.done
}

// member ends when no more connections come, or when enough others rest. Whoever
// starts it has counted it.
func (c *crew) member() {
	defer c.srv.running.Done()
	for {
		c.rest.Add(1)
		_, more := <-c.turn
		rest := c.rest.Add(-1)
		if !more {
			return
		}
		nc, err := c.ln.Accept()
		if err != nil {
			close(c.turn)
			c.done <- err
			return
		}
		if rest == 0 {
			c.srv.running.Add(1)
			go c.member()
		}
		c.turn <- struct{}{}
		if x := newConn(c.srv, nc); c.srv.add(x) {
			x.serve()
		} else {
			x.free()
			nc.Close()
		}
		if c.rest.Load() >= maxRest {
			return
		}
	}
}
