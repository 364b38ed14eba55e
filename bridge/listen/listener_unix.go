//go:build unix

package listen

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// setBacklog calls listen once more, with n; net always takes the system's
// somaxconn.
func setBacklog(ln net.Listener, n int) error {
	sc, ok := ln.(syscall.Conn)
	if !ok || n <= 0 {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	var lerr error
	if err := raw.Control(func(fd uintptr) { lerr = unix.Listen(int(fd), n) }); err != nil {
		return err
	}
	return lerr
}

// listenUnix binds in a folder that no other user can enter, sets mode and owner there, and
// renames the socket to its path: no client connects before the mode holds, and the path is
// never without a socket.
func listenUnix(ctx context.Context, path string, s Spec) (net.Listener, error) {
	uid, gid, err := owner(s)
	if err != nil {
		return nil, err
	}
	if err := replaceable(ctx, path); err != nil {
		return nil, err
	}
	var b [2]byte
	_, _ = rand.Read(b[:])                                                 // never fails
	dir := filepath.Join(filepath.Dir(path), "."+hex.EncodeToString(b[:])) // short: a socket's path has 107 bytes
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	defer os.Remove(dir) // empty by then
	tmp := filepath.Join(dir, "s")
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "unix", tmp)
	if err != nil {
		if errors.Is(err, syscall.EINVAL) {
			return nil, fmt.Errorf("the path is too long for a socket: %w", err)
		}
		return nil, err
	}
	if err := setBacklog(ln, s.Backlog); err != nil {
		ln.Close()
		return nil, err
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false) // it would unlink tmp
	fail := func(err error) (net.Listener, error) {
		ln.Close()
		os.Remove(tmp)
		return nil, err
	}
	if uid >= 0 || gid >= 0 {
		if err := os.Chown(tmp, uid, gid); err != nil {
			return fail(err)
		}
	}
	if err := os.Chmod(tmp, modeOf(s)); err != nil { // after chown, which may clear bits
		return fail(err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fail(err)
	}
	st, err := os.Lstat(path)
	if err != nil {
		return fail(err)
	}
	return &unixListener{Listener: ln, path: path, owned: st}, nil
}

// modeOf: without a mode a socket is for the user and group that are named, else
// for every user: the proxy in front usually runs as another one.
func modeOf(s Spec) os.FileMode {
	switch {
	case s.Mode != 0:
		return s.Mode.Perm()
	case s.Group != "" || s.User != "":
		return 0o660
	}
	return 0o666
}

// replaceable fails when path is something else than a socket, or a socket on which a
// process listens, or may listen.
func replaceable(ctx context.Context, path string) error {
	st, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if st.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("%s exists and is not a socket: remove it, or choose another path", path)
	}
	d := net.Dialer{Timeout: 2 * time.Second}
	c, err := d.DialContext(ctx, "unix", path)
	if err == nil {
		c.Close()
		return fmt.Errorf("%s: %w", path, syscall.EADDRINUSE)
	}
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, os.ErrNotExist) {
		return nil // no process has it open: a dead one left it
	}
	return fmt.Errorf("%s is a socket, and it is unknown whether a process listens on it: %w", path, root(err))
}

// owner looks names up. -1: as it is.
func owner(s Spec) (uid, gid int, err error) {
	uid, gid = -1, -1
	if s.User != "" {
		if uid, err = strconv.Atoi(s.User); err != nil {
			u, err := user.Lookup(s.User)
			if err != nil {
				return 0, 0, fmt.Errorf("user %q: %w", s.User, err)
			}
			uid, _ = strconv.Atoi(u.Uid)
		}
	}
	if s.Group != "" {
		if gid, err = strconv.Atoi(s.Group); err != nil {
			g, err := user.LookupGroup(s.Group)
			if err != nil {
				return 0, 0, fmt.Errorf("group %q: %w", s.Group, err)
			}
			gid, _ = strconv.Atoi(g.Gid)
		}
	}
	return uid, gid, nil
}

// unixListener removes its file when it is closed, unless another process has replaced it.
type unixListener struct {
	net.Listener
	path string

	mu    sync.Mutex
	owned os.FileInfo // nil: another process's
}

func (l *unixListener) Addr() net.Addr { return &net.UnixAddr{Name: l.path, Net: "unix"} }

func (l *unixListener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if st, err := os.Lstat(l.path); err == nil && l.owned != nil && os.SameFile(st, l.owned) {
		os.Remove(l.path)
	}
	l.owned = nil
	return l.Listener.Close()
}

func (l *unixListener) removeOnClose(yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.owned = nil
	if st, err := os.Lstat(l.path); yes && err == nil && st.Mode()&os.ModeSocket != 0 {
		l.owned = st
	}
}

func (l *unixListener) inner() net.Listener { return l.Listener }

func inheritUnix(ln net.Listener, path string) net.Listener {
	return &unixListener{Listener: ln, path: path}
}

func duplicate(fd uintptr) (uintptr, error) {
	n, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 3)
	return uintptr(n), os.NewSyscallError("fcntl", err)
}

// listening asks the kernel, where it can say.
func listening(ln net.Listener) bool {
	sc, ok := ln.(syscall.Conn)
	if !ok {
		return true
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return true
	}
	yes := 1
	if err := rc.Control(func(fd uintptr) {
		if v, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil {
			yes = v
		}
	}); err != nil {
		return true
	}
	return yes != 0
}

func noDescriptors(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// isPacketSocket reports whether a descriptor is a datagram socket with that address.
func isPacketSocket(fd uintptr, at *net.UDPAddr) bool {
	if t, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TYPE); err != nil || t != unix.SOCK_DGRAM {
		return false
	}
	name, err := unix.Getsockname(int(fd))
	if err != nil {
		return false
	}
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		return a.Port == at.Port && net.IP(a.Addr[:]).Equal(at.IP)
	case *unix.SockaddrInet6:
		return a.Port == at.Port && net.IP(a.Addr[:]).Equal(at.IP)
	}
	return false
}
