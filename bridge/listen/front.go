package listen

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/standpipe/standpipe/bridge/proxyproto"
	"github.com/standpipe/standpipe/shim/wire"
)

// Reasons of Options.Refused on a listener with PROXY headers.
const (
	RefusedUntrusted = "proxy_untrusted"     // the peer is not one of Limits.Trusted
	RefusedNoHeader  = "proxy_header_none"   // the connection begins with something else
	RefusedHeader    = "proxy_header_bad"    // a header that is not one, or is too large
	RefusedSlow      = "proxy_header_late"   // it did not come in time
	RefusedLeft      = "proxy_header_closed" // the connection was closed within it
)

// Header is the PROXY header that a connection begins with: a *Conn has it as long as it lives.
// It is the Conn's net.Conn, whose addresses it replaces.
type Header struct {
	net.Conn // the socket

	of    *Conn
	at    net.Addr              // the listener's
	front atomic.Pointer[front] // nil: not read yet
}

// front is what a PROXY header says.
type front struct {
	tls           bool
	vars          []wire.Var
	remote, local net.Addr // nil: the connection's own
}

// Take reads the header. From then on the addresses of the connection are the header's, the limit
// of connections for one client included. The read deadline is the caller's to set. An error was
// counted and written to the log; the connection is the caller's to close.
func (h *Header) Take() error {
	c := h.of
	read, err := readHeader(c)
	if err != nil {
		c.group.refuse(h, reasonOf(err), err)
		return err
	}
	h.front.Store(frontOf(read))
	limits := c.group.watch.limits.Load()
	if limits.denies(h.at, addrOf(c)) {
		c.group.denied(c)
		return errDenied
	}
	if !c.group.counts.take(c, limits) {
		c.group.tooMany(c, limits)
		return errTooMany
	}
	return nil
}

// TLS reports whether the client's connection to the proxy has TLS. It is called after Take.
func (h *Header) TLS() bool { return h.front.Load().tls }

// Variables are for the environ of each request. They are to be read only. It is called after
// Take.
func (h *Header) Variables() []wire.Var { return h.front.Load().vars }

// RemoteAddr is the client's address: the one of the header, if it names one.
func (h *Header) RemoteAddr() net.Addr {
	if f := h.front.Load(); f != nil && f.remote != nil {
		return f.remote
	}
	return h.Conn.RemoteAddr()
}

// LocalAddr is the address that the client has connected to, as RemoteAddr.
func (h *Header) LocalAddr() net.Addr {
	if f := h.front.Load(); f != nil && f.local != nil {
		return f.local
	}
	return h.Conn.LocalAddr()
}

// CloseWrite is net.TCPConn's.
func (h *Header) CloseWrite() error { return h.Conn.(interface{ CloseWrite() error }).CloseWrite() }

// SetLinger is net.TCPConn's; a unix socket has no such thing.
func (h *Header) SetLinger(sec int) error {
	if l, ok := h.Conn.(interface{ SetLinger(int) error }); ok {
		return l.SetLinger(sec)
	}
	return http.ErrNotSupported
}

// SyscallConn is net.TCPConn's.
func (h *Header) SyscallConn() (syscall.RawConn, error) {
	return h.Conn.(syscall.Conn).SyscallConn()
}

// tcpOf is the socket of a connection over TCP; false: it is another one.
func tcpOf(c *Conn) (*net.TCPConn, bool) {
	nc := c.Conn
	if c.Header != nil {
		nc = c.Header.Conn
	}
	tcp, ok := nc.(*net.TCPConn)
	return tcp, ok
}

var (
	errTooMany = errors.New("the client has too many connections")
	errDenied  = errors.New("the client's address is denied")
)

// readHeader takes the bytes of the header off the connection, and no others: what is behind it is
// read from the descriptor.
func readHeader(c *Conn) (proxyproto.Header, error) {
	var first [128]byte
	p := first[:0]
	for {
		more, err := proxyproto.More(p)
		switch {
		case err != nil:
			return proxyproto.Header{}, err
		case more == 0:
			return proxyproto.Parse(p)
		}
		p = append(p, make([]byte, more)...)
		n, err := c.Read(p[len(p)-more:])
		if p = p[:len(p)-more+n]; err != nil {
			return proxyproto.Header{}, err
		}
	}
}

func frontOf(h proxyproto.Header) *front {
	f := &front{tls: h.TLS != nil}
	if h.Source.IsValid() {
		f.remote, f.local = net.TCPAddrFromAddrPort(h.Source), net.TCPAddrFromAddrPort(h.Destination)
	}
	add := func(name, value string) {
		if value != "" {
			f.vars = append(f.vars, wire.Var{Name: name, Value: value})
		}
	}
	add("PROXY_PROTOCOL_AWS_VPCE_ID", h.AWSEndpoint)
	add("PROXY_PROTOCOL_UNIQUE_ID", h.UniqueID)
	t := h.TLS
	if t == nil {
		return f
	}
	add("SSL_PROTOCOL", t.Version)
	add("SSL_CIPHER", t.Cipher)
	add("SSL_TLS_SNI", h.Authority)
	switch {
	case !t.Certificate:
		add("SSL_CLIENT_VERIFY", "NONE")
	case t.VerifyCode == 0:
		add("SSL_CLIENT_VERIFY", "SUCCESS")
		add("SSL_CLIENT_S_DN_CN", t.CommonName)
	default: // nothing of a certificate that does not verify may be taken for true
		add("SSL_CLIENT_VERIFY", fmt.Sprintf("FAILED:%d", t.VerifyCode))
	}
	return f
}

// reasonOf sorts the errors of readHeader.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, proxyproto.ErrNone):
		return RefusedNoHeader
	case errors.Is(err, proxyproto.ErrInvalid), errors.Is(err, proxyproto.ErrLarge):
		return RefusedHeader
	case errors.Is(err, os.ErrDeadlineExceeded):
		return RefusedSlow
	}
	return RefusedLeft
}

// errUntrusted: the peer may not send a PROXY header, and has to.
var errUntrusted = errors.New("its peer is not in trusted_proxies")

// refuse counts a connection that does not begin as it must, and writes a record, at most once a
// minute for each peer and reason. A connection without a byte is a health check of a balancer:
// it is counted only.
func (g *Group) refuse(h *Header, why string, err error) {
	g.refused(why)
	if errors.Is(err, io.EOF) && why == RefusedLeft {
		return
	}
	peer := "unix"
	if a := plainAddr(h.Conn.RemoteAddr()); a.IsValid() {
		peer = a.String()
	}
	if !g.headers.Allow(peer+" "+why, time.Now()) {
		return
	}
	advice := "the proxy in front has to send the PROXY protocol, or proxy_protocol has to be off"
	if why == RefusedUntrusted {
		advice = "if this is your proxy: --trusted-proxies " + peer
	}
	g.log.Warn("proxy_header_refused", "peer", peer, "address", h.Conn.LocalAddr().String(), "reason", why, "error", err,
		"message", "a connection was refused, because "+sentences[why]+": "+advice+" (logged once a minute for each peer)")
}

var sentences = map[string]string{
	RefusedUntrusted: "its peer is not one of trusted_proxies",
	RefusedNoHeader:  "it does not begin with a PROXY header",
	RefusedHeader:    "its PROXY header is invalid",
	RefusedSlow:      "its PROXY header did not come within header_timeout",
	RefusedLeft:      "it was closed within its PROXY header",
}
