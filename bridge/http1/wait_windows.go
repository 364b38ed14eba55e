package http1

import "net"

// initWait does nothing: connections are waited for with a buffer.
func (c *conn) initWait(net.Conn) {}

func (c *conn) first() error { return c.firstBuffered() }
