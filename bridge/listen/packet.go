package listen

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
)

// ListenPacket opens the UDP socket beside a TCP listener, at the same address and port. For fd://N
// it takes the datagram socket with that address which the service manager has passed. Every error
// is a *ListenError.
func ListenPacket(s Spec, beside net.Listener) (*net.UDPConn, error) {
	c, err := listenPacket(s, beside)
	if err != nil {
		return nil, &ListenError{Address: s.Address, Err: err, UDP: true}
	}
	return c, nil
}

func listenPacket(s Spec, beside net.Listener) (*net.UDPConn, error) {
	tcp, ok := beside.Addr().(*net.TCPAddr)
	if !ok {
		return nil, errors.New("HTTP/3 is for ports")
	}
	at := &net.UDPAddr{IP: tcp.IP, Port: tcp.Port, Zone: tcp.Zone}
	if strings.HasPrefix(s.Address, "fd://") {
		return passedPacket(at)
	}
	network := "udp"
	if s.V6Only {
		network = "udp6" // net sets IPV6_V6ONLY
	}
	if at.IP.To4() != nil {
		network = "udp4" // 0.0.0.0 does not take the port of [::] too
	}
	return net.ListenUDP(network, at)
}

// passedPacket finds the socket among those that were passed to this process.
func passedPacket(at *net.UDPAddr) (*net.UDPConn, error) {
	for fd := uintptr(3); fd < 3+mostPassed; fd++ {
		if !isPacketSocket(fd, at) {
			continue
		}
		return packetOf(os.NewFile(fd, "datagram socket"))
	}
	return nil, fmt.Errorf("no datagram socket of this address was passed to HTTP/3: add ListenDatagram=%d to the socket unit", at.Port)
}

// mostPassed bounds the search; systemd passes the descriptors from 3 on.
const mostPassed = 64

// packetOf takes over a datagram socket. f is closed.
func packetOf(f *os.File) (*net.UDPConn, error) {
	defer f.Close()
	c, err := net.FilePacketConn(f) // a copy, close-on-exec
	if err != nil {
		return nil, root(err)
	}
	u, ok := c.(*net.UDPConn)
	if !ok {
		c.Close()
		return nil, errors.New("the socket that was handed over is not one of UDP")
	}
	return u, nil
}

// InheritPacket is Inherit for a UDP socket. Every error is a *ListenError.
func InheritPacket(f *os.File, s Spec) (*net.UDPConn, error) {
	u, err := packetOf(f)
	if err != nil {
		return nil, &ListenError{Address: s.Address, Err: err, UDP: true}
	}
	return u, nil
}

// PacketFile is File for a UDP socket.
func PacketFile(c *net.UDPConn) (*os.File, error) { return copyOf(c, c.LocalAddr().String()) }

// copyOf returns a copy of a socket's descriptor.
func copyOf(sc syscall.Conn, name string) (*os.File, error) {
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	// Not the socket's own File: its Fd, which starting a process calls, would make
	// the socket blocking, for this process too.
	var fd uintptr
	var failed error
	if err := raw.Control(func(old uintptr) { fd, failed = duplicate(old) }); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	return os.NewFile(fd, name), nil
}
