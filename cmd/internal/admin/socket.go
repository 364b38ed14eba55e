package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/listen"
)

// Location says where the control socket is made.
type Location struct {
	// Path of the socket; empty: NAME.sock in Dir, or NAME-PID.sock if a server answers on that.
	Path      string
	Dir, Name string
	Pid       int
	// Mode 0: 0600, or 0660 with a Group; Group is a name or a number, empty: the
	// process's.
	Mode  fs.FileMode
	Group string
	// User is the owner of the socket, by name or number; empty: the process's.
	User string
}

// Listen makes the socket; it is never more open than its mode. A socket that a dead process
// has left is replaced. Errors are *listen.ListenError.
func Listen(ctx context.Context, p Location) (net.Listener, error) {
	if p.Mode == 0 {
		p.Mode = 0o600
		if p.Group != "" {
			p.Mode = 0o660
		}
	}
	at := func(path string) (net.Listener, error) {
		return listen.Listen(ctx, listen.Spec{Address: "unix:" + path, Mode: p.Mode, User: p.User, Group: p.Group})
	}
	if p.Path != "" {
		return at(p.Path)
	}
	// Of two servers that start at the same time only one may find the name free.
	unlock, err := lock(p.Dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	ln, err := at(filepath.Join(p.Dir, p.Name+".sock"))
	if errors.Is(err, syscall.EADDRINUSE) {
		return at(filepath.Join(p.Dir, fmt.Sprintf("%s-%d.sock", p.Name, p.Pid)))
	}
	return ln, err
}

// Announce puts a link to a socket with a path of its own into the folder where the commands look for sockets. remove
// removes it. Dangling links, of servers that were killed, are removed too.
func (p Location) Announce() (remove func(), err error) {
	if p.Path == "" || p.Dir == "" || filepath.Dir(p.Path) == p.Dir {
		return func() {}, nil
	}
	target, err := filepath.Abs(p.Path)
	if err != nil {
		return nil, err
	}
	old, _ := filepath.Glob(filepath.Join(p.Dir, "*.sock"))
	for _, link := range old {
		if to, err := os.Readlink(link); err == nil && (to == target || (Location{Path: link}).InUse() == nil) {
			_ = os.Remove(link) // the next start tries again
		}
	}
	link := filepath.Join(p.Dir, fmt.Sprintf("%s-%d.sock", p.Name, p.Pid))
	if err := os.Symlink(target, link); err != nil {
		return nil, err
	}
	return func() { _ = os.Remove(link) }, nil // a server that has dropped its privileges cannot: the next start does
}

// InUse returns EADDRINUSE if a server answers at the place.
func (p Location) InUse() error {
	path := p.Path
	if path == "" {
		path = filepath.Join(p.Dir, p.Name+".sock")
	}
	c, err := net.DialTimeout("unix", path, bodyTimeout)
	if err != nil {
		return nil
	}
	c.Close()
	return syscall.EADDRINUSE
}

// Socket serves a Handler on the control socket.
type Socket struct {
	ln   net.Listener
	http *http.Server
	done sync.WaitGroup
}

// Serve serves h on ln, until Close.
func Serve(ln net.Listener, h *Handler) *Socket {
	h.control = ln.Addr().String()
	s := &Socket{ln: ln, http: &http.Server{
		Handler: h, ReadHeaderTimeout: bodyTimeout, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: h.Log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, peer(c))
		},
	}}
	s.done.Go(func() { _ = s.http.Serve(ln) }) // ends with Close
	return s
}

// Path is the socket's file.
func (s *Socket) Path() string { return s.ln.Addr().String() }

// Retire accepts no further connections; the open ones continue, and end with the process.
func (s *Socket) Retire() { _ = s.ln.Close() }

// Close removes the socket and ends all connections, except those that wait for the end of the
// process.
func (s *Socket) Close() {
	_ = s.http.Close()
	s.done.Wait()
}

type peerKey struct{}

// By is the context of a request that does not come by the control socket: its records name who.
func By(ctx context.Context, who string) context.Context {
	return context.WithValue(ctx, peerKey{}, who)
}

func by(ctx context.Context) string {
	who, ok := ctx.Value(peerKey{}).(string)
	if !ok {
		return "unknown"
	}
	return who
}

// kept are connections that end with the process: the garbage collector closes unreferenced
// ones.
var kept struct {
	sync.Mutex
	conns []net.Conn
}

func keep(c net.Conn) {
	kept.Lock()
	defer kept.Unlock()
	kept.conns = append(kept.conns, c)
}
