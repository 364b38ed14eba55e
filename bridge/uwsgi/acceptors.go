package uwsgi

import (
	"net"
	"sync/atomic"

	"github.com/standpipe/standpipe/bridge/listen"
)

// acceptors are the goroutines of one listener. One of them waits for a connection; when it
// has one it lets the next one wait, and serves. A connection carries one request, so a new
// goroutine for each would be made, grow its stack, and end, for every request.
type acceptors struct {
	srv  *Server
	ln   net.Listener
	next chan struct{} // capacity 1: full while a goroutine may wait for a connection
	idle atomic.Int32  // goroutines that wait for next
	done chan error    // why no more connections come; capacity 1
}

// maxIdle is how many goroutines wait for next; more end.
const maxIdle = 64

func newAcceptors(s *Server, ln net.Listener) *acceptors {
	a := &acceptors{srv: s, ln: ln, next: make(chan struct{}, 1), done: make(chan error, 1)}
	a.next <- struct{}{}
	return a
}

// run returns when no more connections come. Those that are served are not interrupted: the
// Server's running counts their goroutines.
func (a *acceptors) run() error {
	go a.loop()
	return <-a.done
}

// loop ends when no more connections come, or when enough others are idle. Its caller has
// added it to the Server's running.
func (a *acceptors) loop() {
	defer a.srv.running.Done()
	for {
		a.idle.Add(1)
		_, more := <-a.next
		idle := a.idle.Add(-1)
		if !more {
			return
		}
		nc, err := a.ln.Accept()
		if err != nil {
			close(a.next)
			a.done <- err
			return
		}
		if idle == 0 {
			a.srv.running.Add(1)
			go a.loop()
		}
		a.next <- struct{}{}
		if c := newConn(a.srv, nc.(*listen.Conn)); a.srv.add(c) {
			c.serve()
		} else {
			c.free()
			nc.Close()
		}
		if a.idle.Load() >= maxIdle {
			return
		}
	}
}
