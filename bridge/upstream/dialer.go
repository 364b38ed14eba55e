package upstream

import (
	"context"
	"net"
	"time"

	"github.com/standpipe/standpipe/bridge/proxyproto"
)

// Timeouts bound the waits for one upstream. 0: no limit.
type Timeouts struct {
	Connect time.Duration // until it accepts the connection; TLS has as long again
	Send    time.Duration // while it takes nothing of the request
	Read    time.Duration // until its response begins; with CGI variables, also within it
}

// Dialer makes connections to one server.
type Dialer struct {
	Network, Address string // Address is a path for the network "unix"
	Timeouts
	// SendProxy: each connection begins with a PROXY header, which names the client of the one
	// request that it is for (WithClient).
	SendProxy bool
}

type clientKey struct{}

// WithClient returns a context for a request whose connection names its client.
func WithClient(ctx context.Context, h *proxyproto.Header) context.Context {
	return context.WithValue(ctx, clientKey{}, h)
}

// Dial makes a connection. Its error is a *net.OpError with Op "dial" (Refused).
func (d *Dialer) Dial(ctx context.Context) (net.Conn, error) {
	nd := net.Dialer{Timeout: d.Connect}
	c, err := nd.DialContext(ctx, d.Network, d.Address)
	return d.named(ctx, c, err)
}

// DialCall is Dial for a Call, whose connection usually is a new one each time, and needs none of package net's extras.
func (d *Dialer) DialCall(ctx context.Context) (net.Conn, error) {
	if d.Network != "unix" {
		return d.Dial(ctx)
	}
	c, err := dialUnix(ctx, d.Address)
	return d.named(ctx, c, err)
}

// named sends the PROXY header where there is one.
func (d *Dialer) named(ctx context.Context, c net.Conn, err error) (net.Conn, error) {
	if err != nil || !d.SendProxy {
		return c, err
	}
	if err := d.sendHeader(ctx, c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (d *Dialer) sendHeader(ctx context.Context, c net.Conn) error {
	h, _ := ctx.Value(clientKey{}).(*proxyproto.Header)
	if h == nil {
		h = &proxyproto.Header{} // names no client
	}
	if d.Send > 0 {
		_ = c.SetWriteDeadline(time.Now().Add(d.Send)) // a failure shows in Write
	}
	if _, err := c.Write(proxyproto.Append(nil, *h)); err != nil {
		return err
	}
	return c.SetWriteDeadline(time.Time{})
}
