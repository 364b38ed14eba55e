// Command eventloop compares three ways in which a Go server can wait for its clients and for its workers: the same small
// proxy, which reads a request, writes 600 bytes to an idle Python worker's pipe, reads 200 from it and answers. It does
// as little as possible otherwise, so that what differs is the waiting. eventloop.py beside it races them.
//
//	goroutines  a goroutine for each connection and each worker, as bridge/http1 and shim have them
//	relay       one loop over an epoll descriptor of its own, which Go's netpoller watches
//	thread      the same loop, in epoll_wait(2) on a thread of its own
//
// All make raw system calls on descriptors that do not block (shim/nonblock).
package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"github.com/standpipe/standpipe/shim/nonblock"
)

const workers = 2

var (
	answer  = []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!")
	request = make([]byte, 600)
)

// program is what a worker runs.
const program = `
import os
while os.read(0, 65536):
    os.write(1, b"x" * 200)
`

// worker is a Python process and the ends of its pipes.
type worker struct {
	to, from int
	client   int // of the request that it has; loops only
}

func start(python string) (*worker, error) {
	var in, out [2]int
	if err := syscall.Pipe2(in[:], syscall.O_CLOEXEC); err != nil {
		return nil, err
	}
	if err := syscall.Pipe2(out[:], syscall.O_CLOEXEC); err != nil {
		return nil, err
	}
	stdin, stdout := os.NewFile(uintptr(in[0]), "stdin"), os.NewFile(uintptr(out[1]), "stdout")
	defer stdin.Close()
	defer stdout.Close()
	c := exec.Command(python, "-S", "-c", program)
	c.Stdin, c.Stdout, c.Stderr = stdin, stdout, os.Stderr
	if err := c.Start(); err != nil { // it ends with its pipe, when this process ends
		return nil, err
	}
	for _, fd := range []int{in[1], out[0]} {
		if err := syscall.SetNonblock(fd, true); err != nil {
			return nil, err
		}
	}
	return &worker{to: in[1], from: out[0]}, nil
}

// goroutines serves with one goroutine for each connection and each worker.
func goroutines(address string, all []*worker) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	idle := &free{list: all}
	idle.changed.L = &idle.mu
	parts := make(map[*worker]*pipes)
	for _, w := range all {
		p := &pipes{answered: make(chan struct{}, 1)}
		if p.to, err = os.NewFile(uintptr(w.to), "stdin").SyscallConn(); err != nil {
			return err
		}
		if p.from, err = os.NewFile(uintptr(w.from), "stdout").SyscallConn(); err != nil {
			return err
		}
		parts[w] = p
		go p.read()
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go serve(c.(*net.TCPConn), idle, parts)
	}
}

type pipes struct {
	to, from syscall.RawConn
	answered chan struct{}
}

func (p *pipes) read() {
	buf := make([]byte, 4096)
	for readSome(p.from, buf) > 0 {
		p.answered <- struct{}{}
	}
}

// readSome waits for bytes; 0 or less: there are none any more.
func readSome(c syscall.RawConn, buf []byte) (n int) {
	err := c.Read(func(fd uintptr) bool {
		var err error
		n, err = nonblock.Read(fd, buf)
		return err != syscall.EAGAIN
	})
	if err != nil {
		return 0
	}
	return n
}

func write(c syscall.RawConn, p []byte) {
	_ = c.Write(func(fd uintptr) bool { // a failure shows in what is read
		_, _ = nonblock.Write(fd, p)
		return true
	})
}

func serve(c *net.TCPConn, idle *free, parts map[*worker]*pipes) {
	defer c.Close()
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	buf := make([]byte, 4096)
	for readSome(raw, buf) > 0 {
		w := idle.take()
		write(parts[w].to, request)
		<-parts[w].answered
		idle.put(w)
		write(raw, answer)
	}
}

// free has the idle workers.
type free struct {
	mu      sync.Mutex
	changed sync.Cond
	list    []*worker
}

func (f *free) take() *worker {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.list) == 0 {
		f.changed.Wait()
	}
	w := f.list[len(f.list)-1]
	f.list = f.list[:len(f.list)-1]
	return w
}

func (f *free) put(w *worker) {
	f.mu.Lock()
	f.list = append(f.list, w)
	f.changed.Signal()
	f.mu.Unlock()
}

// loop serves with one loop; relay: it parks in Go's netpoller.
func loop(address string, all []*worker, relay bool) error {
	listener, err := listen(address)
	if err != nil {
		return err
	}
	ep, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	add := func(fd int) error {
		return syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
	}
	wait := func(events []syscall.EpollEvent) int {
		n, _, _ := syscall.Syscall6(syscall.SYS_EPOLL_PWAIT, uintptr(ep), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), ^uintptr(0), 0, 0)
		return int(n)
	}
	if relay {
		if err := syscall.SetNonblock(ep, true); err != nil { // os.NewFile takes it into the netpoller then
			return err
		}
		raw, err := os.NewFile(uintptr(ep), "epoll").SyscallConn()
		if err != nil {
			return err
		}
		wait = func(events []syscall.EpollEvent) (n int) {
			_ = raw.Read(func(fd uintptr) bool {
				r, _, _ := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, fd, uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
				n = int(r)
				return n > 0
			})
			return n
		}
	} else {
		runtime.LockOSThread()
	}
	of := make(map[int]*worker)
	for _, w := range all {
		of[w.from] = w
		if err := add(w.from); err != nil {
			return err
		}
	}
	if err := add(listener); err != nil {
		return err
	}
	var waiting []int
	idle := append([]*worker(nil), all...)
	buf := make([]byte, 16<<10)
	events := make([]syscall.EpollEvent, 128)
	for {
		for _, e := range events[:max(wait(events), 0)] {
			fd := int(e.Fd)
			if fd == listener {
				if c, _, err := syscall.Accept4(fd, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC); err == nil {
					_ = syscall.SetsockoptInt(c, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
					_ = add(c)
				}
				continue
			}
			n, err := nonblock.Read(uintptr(fd), buf)
			if w := of[fd]; w != nil {
				if n <= 0 {
					return fmt.Errorf("a worker has ended: %v", err)
				}
				client := w.client
				if len(waiting) > 0 {
					give(w, waiting[0])
					waiting = waiting[1:]
				} else {
					idle = append(idle, w)
				}
				_, _ = nonblock.Write(uintptr(client), answer)
				continue
			}
			switch {
			case n <= 0:
				syscall.Close(fd)
			case len(idle) == 0:
				waiting = append(waiting, fd)
			default:
				give(idle[len(idle)-1], fd)
				idle = idle[:len(idle)-1]
			}
		}
	}
}

func give(w *worker, client int) {
	w.client = client
	_, _ = nonblock.Write(uintptr(w.to), request)
}

func listen(address string) (int, error) {
	a, err := net.ResolveTCPAddr("tcp4", address)
	if err != nil {
		return 0, err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	to := &syscall.SockaddrInet4{Port: a.Port}
	copy(to.Addr[:], a.IP.To4())
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return 0, err
	}
	if err := syscall.Bind(fd, to); err != nil {
		return 0, err
	}
	return fd, syscall.Listen(fd, 1024)
}

func run(kind, address, python string) error {
	var all []*worker
	for range workers {
		w, err := start(python)
		if err != nil {
			return err
		}
		all = append(all, w)
	}
	switch kind {
	case "goroutines":
		return goroutines(address, all)
	case "relay", "thread":
		return loop(address, all, kind == "relay")
	}
	return fmt.Errorf("%q is not goroutines, relay or thread", kind)
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: eventloop goroutines|relay|thread ADDRESS PYTHON")
		os.Exit(2)
	}
	err := run(os.Args[1], os.Args[2], os.Args[3]) // it returns when it fails
	fmt.Fprintln(os.Stderr, "eventloop:", err)
	os.Exit(1)
}
