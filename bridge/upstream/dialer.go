package upstream

import (
	"context"
	"net"
	"time"
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
}

// Dial makes a connection. Its error is a *net.OpError with Op "dial" (Refused).
func (d *Dialer) Dial(ctx context.Context) (net.Conn, error) {
	nd := net.Dialer{Timeout: d.Connect}
	return nd.DialContext(ctx, d.Network, d.Address)
}
