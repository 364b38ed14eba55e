package h3

import (
	"net"
	"os"
	"sync"

	"github.com/quic-go/quic-go"
)

// Socket is a UDP socket. Two processes have it during an upgrade, and one of them reads it.
//
// The old process makes a socket pair and gives one end of it to the new one (Pair). Before that
// one begins to read, the old process stops (Yield). The new process finds the packets of the old
// one's connections by their ids, and passes them on, while the old process answers by the socket.
// So connections of the old process live until it has ended.
type Socket struct {
	udp  *net.UDPConn
	read *packets // nil: the system has no socket pairs

	mu        sync.Mutex
	transport *quic.Transport // nil: not served yet
	stopped   bool
	pair      *net.UnixConn // to the new process; nil: there is none
}

// NewSocket takes over udp. before is an end of a Pair of the process before this one, which is
// closed; nil: there is none.
func NewSocket(udp *net.UDPConn, keys *Keys, before *os.File) (*Socket, error) {
	u := &Socket{udp: udp, read: newPackets(udp, keys)}
	if before == nil {
		return u, nil
	}
	defer before.Close()
	c, err := connOf(before)
	if err != nil {
		return nil, err
	}
	if u.read == nil {
		return u, c.Close()
	}
	u.read.before.Store(c)
	return u, nil
}

// Addr is its address.
func (u *Socket) Addr() net.Addr { return u.udp.LocalAddr() }

// UDP is the socket itself, for a copy of its descriptor.
func (u *Socket) UDP() *net.UDPConn { return u.udp }

// conn is what quic-go reads and writes.
func (u *Socket) conn() net.PacketConn {
	if u.read == nil {
		return u.udp
	}
	return u.read
}

// serves notes the transport, which stop ends.
func (u *Socket) serves(t *quic.Transport) {
	u.mu.Lock()
	stopped := u.stopped
	u.transport = t
	u.mu.Unlock()
	if stopped {
		_ = t.Close()
	}
}

// stop ends Serve.
func (u *Socket) stop() {
	u.mu.Lock()
	u.stopped = true
	t := u.transport
	u.mu.Unlock()
	if t != nil {
		_ = t.Close()
	}
}

// Close closes it.
func (u *Socket) Close() error {
	u.drop()
	if u.read != nil {
		if c := u.read.before.Swap(nil); c != nil {
			c.Close()
		}
	}
	return u.udp.Close()
}

// Pair makes the socket pair of an upgrade, and returns the new process's end of it; nil: the system
// has no such thing, and connections of this process are lost to the new one.
func (u *Socket) Pair() (*os.File, error) {
	u.drop()
	if u.read == nil {
		return nil, nil
	}
	ours, theirs, err := newPair()
	if err != nil {
		return nil, err
	}
	u.mu.Lock()
	u.pair = ours
	u.mu.Unlock()
	return theirs, nil
}

// drop closes this process's end of Pair.
func (u *Socket) drop() {
	u.mu.Lock()
	c := u.pair
	u.pair = nil
	u.mu.Unlock()
	if c != nil {
		c.Close()
	}
}

// Yield has the new process read the socket. This one reads what that one passes on.
func (u *Socket) Yield() {
	u.mu.Lock()
	c := u.pair
	u.mu.Unlock()
	if u.read != nil && c != nil {
		u.read.yield(c)
	}
}

// Reclaim undoes Yield: there is no new process.
func (u *Socket) Reclaim() {
	if u.read != nil {
		u.read.reclaim()
	}
	u.drop()
}
