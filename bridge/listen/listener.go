package listen

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Spec says where to listen.
type Spec struct {
	// Address is host:port, :port, a bare port (this machine only), [::1]:port,
	// unix:/path, or fd://N.
	Address string
	// Mode, User and Group are for the file of a unix socket, and hold before
	// a client can connect. Mode 0: 0660 when User or Group is set, else 0666, as
	// open to this machine as a port on loopback. User and Group are names or
	// numbers; empty: the process's.
	Mode        fs.FileMode
	User, Group string
	// Backlog is how many connections the kernel keeps until they are accepted; 0:
	// the system's somaxconn. It is not for fd://N: the process that made the socket has set it.
	Backlog int
	// V6Only: [::]:port does not include IPv4 (IPV6_V6ONLY).
	V6Only bool
}

// ListenError says why an address cannot be listened on. The command line ends with exit
// code 4.
type ListenError struct {
	Address string
	Err     error
	// Ours is the address that this process listens on already and that includes the other;
	// empty: it is not that.
	Ours string
	// UDP: it is the socket of HTTP/3.
	UDP bool
}

func (e *ListenError) Error() string {
	hint := ""
	switch {
	case e.Ours != "":
		hint = fmt.Sprintf("; this standpipe itself already listens on %s, which includes it: leave one of the two out", e.Ours)
	case errors.Is(e.Err, syscall.EADDRINUSE):
		hint = "; another program listens there: stop it, or choose another address with -b"
	case errors.Is(e.Err, syscall.EACCES):
		hint = "; " + notPermitted(e.Address)
	case errors.Is(e.Err, syscall.EADDRNOTAVAIL):
		hint = "; no interface of this machine has that address"
	}
	udp := ""
	if e.UDP {
		udp = " by UDP, for http3"
	}
	return fmt.Sprintf("cannot listen on %s%s: %v%s", e.Address, udp, root(e.Err), hint)
}

func (e *ListenError) Unwrap() error { return e.Err }

// notPermitted says what permits the address.
func notPermitted(address string) string {
	if strings.HasPrefix(address, "unix:") {
		return "not permitted: the socket's folder must be writable"
	}
	_, port, _ := SplitAddress(address)
	if n, err := strconv.Atoi(port); err != nil || n >= 1024 {
		return "not permitted"
	}
	if runtime.GOOS != "linux" {
		return "not permitted: a port below 1024 needs root"
	}
	program, err := os.Executable()
	if err != nil {
		program = "standpipe"
	}
	if strings.Trim(program, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-") != "" {
		program = "'" + strings.ReplaceAll(program, "'", `'\''`) + "'"
	}
	return fmt.Sprintf("a port below 1024 needs root: run setcap 'cap_net_bind_service=+ep' %s once as root, or have a systemd socket open the port (ListenStream=%s)", program, port)
}

// root takes net's wrapping off: it repeats the address.
func root(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// Listen opens one address. Every error is a *ListenError. Port 0 takes a free
// one: see the listener's Addr.
func Listen(ctx context.Context, s Spec) (net.Listener, error) {
	ln, err := listen(ctx, s)
	if err != nil {
		return nil, &ListenError{Address: s.Address, Err: err}
	}
	return ln, nil
}

func listen(ctx context.Context, s Spec) (net.Listener, error) {
	if path, ok := strings.CutPrefix(s.Address, "unix:"); ok {
		path = strings.TrimPrefix(path, "//") // unix:///run/x is written too
		if path == "" {
			return nil, errors.New("the path is missing: unix:/path")
		}
		return listenUnix(ctx, path, s)
	}
	if n, ok := strings.CutPrefix(s.Address, "fd://"); ok {
		fd, err := strconv.ParseUint(n, 10, 16)
		if err != nil || fd < 3 {
			return nil, errors.New("want fd://N with N from 3 on")
		}
		return listenFD(uintptr(fd))
	}
	host, port, err := SplitAddress(s.Address)
	if err != nil {
		return nil, err
	}
	network := "tcp"
	if s.V6Only {
		network = "tcp6" // net sets IPV6_V6ONLY
	}
	if ip := net.ParseIP(host); ip != nil && ip.To4() != nil {
		network = "tcp4" // 0.0.0.0 does not take the port of [::] too
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, network, net.JoinHostPort(host, port))
	if err != nil {
		return nil, err
	}
	return ln, setBacklog(ln, s.Backlog)
}

// Overlap says that address cannot be listened on beside ours.
func Overlap(address string, ours net.Addr) bool {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		path = strings.TrimPrefix(path, "//")
		one, err := os.Stat(path)
		other, otherErr := os.Stat(ours.String())
		return ours.Network() == "unix" && err == nil && otherErr == nil && os.SameFile(one, other)
	}
	at, ok := ours.(*net.TCPAddr)
	host, port, err := SplitAddress(address)
	if !ok || err != nil || port != strconv.Itoa(at.Port) {
		return false
	}
	if host == "" || at.IP.IsUnspecified() {
		return true
	}
	ips, err := net.LookupIP(host)
	return err == nil && slices.ContainsFunc(ips, func(ip net.IP) bool { return ip.IsUnspecified() || ip.Equal(at.IP) })
}

// SplitAddress reads host:port, :port, [::1]:port, and a bare port, which means
// 127.0.0.1.
func SplitAddress(s string) (host, port string, err error) {
	if !strings.Contains(s, ":") {
		if _, err := strconv.ParseUint(s, 10, 16); err == nil {
			return "127.0.0.1", s, nil
		}
		return "", "", errors.New("want host:port, :port, unix:/path or fd://N")
	}
	host, port, err = net.SplitHostPort(s)
	if err != nil {
		return "", "", errors.New("want host:port, :port, unix:/path or fd://N; an IPv6 address needs brackets: [::1]:8000")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", "", fmt.Errorf("port %q: want a number from 0 to 65535", port)
	}
	return host, port, nil
}

// listenFD takes over a listening socket.
func listenFD(fd uintptr) (net.Listener, error) {
	f := os.NewFile(fd, "fd://"+strconv.Itoa(int(fd)))
	if f == nil {
		return nil, errors.New("no such file descriptor")
	}
	ln, err := net.FileListener(f) // a copy, close-on-exec
	if err != nil {
		return nil, fmt.Errorf("file descriptor %d is not a socket that listens: %w", fd, root(err))
	}
	if err := f.Close(); err != nil {
		ln.Close()
		return nil, err
	}
	if !listening(ln) {
		ln.Close()
		return nil, fmt.Errorf("file descriptor %d is a socket, but it does not listen", fd)
	}
	if u, ok := ln.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // its file belongs to the process that made it
	}
	return ln, nil
}
