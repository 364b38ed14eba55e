//go:build unix

package h3

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// packets is the socket as quic-go reads it: packets for the process before this one are passed to
// it, and after yield packets come from the process after this one.
type packets struct {
	*net.UDPConn
	batch  *ipv4.PacketConn // of IPv6 too
	keys   *Keys
	before atomic.Pointer[net.UnixConn] // to the process before; nil: there is none
	after  atomic.Pointer[net.UnixConn] // from the process after; nil: the socket is read
	ended  atomic.Bool                  // quic-go reads no more
	buf    []byte                       // of receive
}

// The message that passes a packet on: the lengths of the address and of the control data, those
// two, and the packet.
const (
	maxControl = 128 // bytes, quic-go's
	maxMessage = 2 + 64 + maxControl + 2048
)

var past = time.Unix(1, 0)

func newPackets(udp *net.UDPConn, keys *Keys) *packets {
	return &packets{UDPConn: udp, batch: ipv4.NewPacketConn(udp), keys: keys, buf: make([]byte, maxMessage)}
}

// SetReadDeadline is net.PacketConn's. quic-go calls it when it stops.
func (p *packets) SetReadDeadline(t time.Time) error {
	p.ended.Store(!t.IsZero())
	if c := p.after.Load(); c != nil {
		_ = c.SetReadDeadline(t)
	}
	return p.UDPConn.SetReadDeadline(t)
}

// ReadBatch is what quic-go reads by. A message without bytes is one that was passed on.
func (p *packets) ReadBatch(ms []ipv4.Message, flags int) (n int, err error) {
	for {
		from := p.after.Load()
		if from == nil {
			n, err = p.batch.ReadBatch(ms, flags)
		} else {
			n, err = p.receive(from, &ms[0])
		}
		switch {
		case err == nil:
			p.passOn(ms[:n])
			return n, nil
		case p.ended.Load():
			return 0, err
		case errors.Is(err, os.ErrDeadlineExceeded): // what is read has changed
		case from != nil: // the process after this one has ended
			p.reclaim()
		default:
			return 0, err
		}
	}
}

// yield has packets come from c.
func (p *packets) yield(c *net.UnixConn) {
	p.after.Store(c)
	_ = p.UDPConn.SetReadDeadline(past)
}

// reclaim has the socket read again.
func (p *packets) reclaim() {
	c := p.after.Load()
	if c == nil || p.ended.Load() {
		return
	}
	_ = p.UDPConn.SetReadDeadline(time.Time{})
	p.after.Store(nil)
	_ = c.SetReadDeadline(past)
}

// passOn takes out the packets for the process before this one, and sends them to it. Those that it
// cannot take are lost, as packets may be. When it has ended, quic-go tells its clients that their
// connections are lost (RFC 9000 10.3).
func (p *packets) passOn(ms []ipv4.Message) {
	to := p.before.Load()
	if to == nil {
		return
	}
	for i := range ms {
		m := &ms[i]
		if !p.keys.older(m.Buffers[0][:m.N]) {
			continue
		}
		if err := send(to, m); err != nil && err != unix.EAGAIN && err != unix.ENOBUFS {
			if p.before.CompareAndSwap(to, nil) {
				to.Close()
			}
			return
		}
		m.N = 0
	}
}

func send(to *net.UnixConn, m *ipv4.Message) error {
	from, ok := m.Addr.(*net.UDPAddr)
	if !ok || m.NN > maxControl {
		return nil
	}
	b := make([]byte, 2, maxMessage)
	b, err := from.AddrPort().AppendBinary(b)
	if err != nil {
		return nil
	}
	b[0], b[1] = byte(len(b)-2), byte(m.NN)
	b = append(b, m.OOB[:m.NN]...)
	b = append(b, m.Buffers[0][:m.N]...)
	raw, err := to.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Write(func(fd uintptr) bool {
		failed = unix.Sendto(int(fd), b, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil)
		return true // without a wait
	}); err != nil {
		return err
	}
	return failed
}

// receive reads one packet from the process after this one.
func (p *packets) receive(from *net.UnixConn, m *ipv4.Message) (int, error) {
	n, err := from.Read(p.buf)
	if err != nil {
		return 0, err
	}
	b := p.buf[:n]
	m.N, m.NN = 0, 0
	var addr netip.AddrPort
	if n < 2 || n < 2+int(b[0])+int(b[1]) || int(b[1]) > len(m.OOB) || addr.UnmarshalBinary(b[2:2+b[0]]) != nil {
		return 1, nil // not one of ours
	}
	control, rest := b[2+int(b[0]):2+int(b[0])+int(b[1])], b[2+int(b[0])+int(b[1]):]
	m.Addr, m.NN, m.N = net.UDPAddrFromAddrPort(addr), copy(m.OOB, control), copy(m.Buffers[0], rest)
	return 1, nil
}

// connOf makes a connection of an end of a socket pair.
func connOf(f *os.File) (*net.UnixConn, error) {
	c, err := net.FileConn(f) // a copy, close-on-exec
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, errors.New("not a socket of this machine")
	}
	return u, nil
}

// newPair makes a socket pair that keeps the bounds of messages.
func newPair() (ours *net.UnixConn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, wantedBuffer) // what the system allows
	}
	mine, theirs := os.NewFile(uintptr(fds[0]), "relay"), os.NewFile(uintptr(fds[1]), "relay")
	defer mine.Close()
	if ours, err = connOf(mine); err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}
