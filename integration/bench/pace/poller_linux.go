package main

import (
	"fmt"
	"net/netip"
	"syscall"
	"time"
	"unsafe"
)

// poller is epoll and a timerfd, which wakes to the microsecond; epoll's own time-out counts milliseconds.
type poller struct {
	epoll, timer int
	events       [256]syscall.EpollEvent
}

func newPoller() (*poller, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	const monotonic = 1 // CLOCK_MONOTONIC
	timer, _, errno := syscall.RawSyscall(syscall.SYS_TIMERFD_CREATE, monotonic, syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if errno != 0 {
		syscall.Close(epoll)
		return nil, errno
	}
	p := &poller{epoll: epoll, timer: int(timer)}
	return p, p.add(p.timer, syscall.EPOLLIN)
}

func (p *poller) close() {
	syscall.Close(p.timer)
	syscall.Close(p.epoll)
}

func (p *poller) add(fd int, events uint32) error {
	return syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: events, Fd: int32(fd)})
}

// readsOnly is for a connection that stands.
func (p *poller) readsOnly(fd int) {
	syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_MOD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP, Fd: int32(fd)})
}

// wait returns what happened within d; nothing when d has passed.
func (p *poller) wait(d time.Duration) ([]syscall.EpollEvent, error) {
	wait := -1
	if d <= 0 {
		wait = 0
	} else {
		set := struct{ Interval, Value syscall.Timespec }{Value: syscall.NsecToTimespec(int64(d))}
		if _, _, errno := syscall.RawSyscall6(syscall.SYS_TIMERFD_SETTIME, uintptr(p.timer), 0, uintptr(unsafe.Pointer(&set)), 0, 0, 0); errno != 0 {
			return nil, errno
		}
	}
	n, err := syscall.EpollWait(p.epoll, p.events[:], wait)
	if err == syscall.EINTR {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return p.events[:n], nil // setting the timer again clears its expiry; the timer's own event has no connection
}

// dial starts a connection; it is writable once it stands.
func (p *poller) dial(to *syscall.SockaddrInet4) (int, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	err = syscall.Connect(fd, to)
	if err == nil || err == syscall.EINPROGRESS {
		err = p.add(fd, syscall.EPOLLIN|syscall.EPOLLOUT|syscall.EPOLLRDHUP)
	}
	if err != nil {
		syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}

func resolve(address string) (*syscall.SockaddrInet4, error) {
	a, err := netip.ParseAddrPort(address)
	if err != nil || !a.Addr().Is4() {
		return nil, fmt.Errorf("%q is not an IPv4 address with a port", address)
	}
	return &syscall.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}, nil
}
