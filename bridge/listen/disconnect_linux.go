package listen

import (
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const disconnectsSeen = true

// poller is an epoll instance of its own, and the goroutine that waits for its events. The
// goroutine is parked in Go's own poller meanwhile, and holds no thread.
type poller struct {
	file *os.File // nil: not open
	raw  syscall.RawConn
	wait sync.WaitGroup
}

// open makes the epoll instance, and starts the goroutine, which ends in end.
func (p *poller) open(d *disconnects) error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // os.NewFile gives such a file to Go's poller
		unix.Close(fd)
		return err
	}
	file := os.NewFile(uintptr(fd), "epoll")
	if p.raw, err = file.SyscallConn(); err != nil {
		file.Close()
		return err
	}
	p.file = file
	p.wait.Go(func() { run(p.raw, d) })
	return nil
}

// prepare opens the epoll instance, so that its descriptor is there from the first request on.
// Where it fails add tries again.
func (p *poller) prepare(d *disconnects) {
	if p.file == nil {
		_ = p.open(d)
	}
}

// run reports events until the epoll instance is closed.
func run(raw syscall.RawConn, d *disconnects) {
	var events [64]unix.EpollEvent
	_ = raw.Read(func(fd uintptr) bool {
		for {
			n, err := unix.EpollWait(int(fd), events[:], 0)
			if err != nil || n <= 0 {
				if err == unix.EINTR {
					continue
				}
				return false
			}
			now := time.Now()
			for _, e := range events[:n] {
				d.report(token(e.Fd, e.Pad), e.Events&(unix.EPOLLERR|unix.EPOLLHUP) == 0, now)
			}
		}
	})
}

// token is never 0, because numbers begin at 1.
func token(fd, number int32) uint64 { return uint64(uint32(fd))<<32 | uint64(uint32(number)) }

// add registers c. half: its client has closed its side for writing already. The number is
// part of the token, because the descriptor may be used again before an event is read.
func (p *poller) add(d *disconnects, c *Conn, number uint32) (tok uint64, half bool, err error) {
	if p.file == nil {
		if err := p.open(d); err != nil {
			return 0, false, err
		}
	}
	err = control(c.raw, func(fd int) error {
		tok = token(int32(fd), int32(number))
		state := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		if n, err := unix.Poll(state, 0); err == nil && n > 0 {
			half = state[0].Revents&(unix.POLLRDHUP|unix.POLLERR|unix.POLLHUP) == unix.POLLRDHUP
		}
		e := unix.EpollEvent{Events: unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(fd), Pad: int32(number)} // and EPOLLERR and EPOLLHUP, always
		return p.ctl(unix.EPOLL_CTL_ADD, fd, &e)
	})
	return tok, half, err
}

// remove ends add. A connection that is closed has left the epoll instance already.
func (p *poller) remove(c *Conn) {
	if p.file != nil {
		_ = control(c.raw, func(fd int) error { return p.ctl(unix.EPOLL_CTL_DEL, fd, nil) })
	}
}

func (p *poller) ctl(op, fd int, e *unix.EpollEvent) error {
	var failed error
	err := p.raw.Control(func(epoll uintptr) { failed = unix.EpollCtl(int(epoll), op, fd, e) })
	if err == nil {
		err = failed
	}
	return err
}

// end closes the epoll instance and waits for its goroutine. disconnects.ended is set, so
// that none is opened any more.
func (p *poller) end() {
	if p.file != nil {
		p.file.Close()
		p.wait.Wait()
	}
}
