package http1

import "net"

// initWait does nothing: connections are waited for with a buffer.
func initWait(*conn, net.Conn) {}

func (c *conn) first() error { return c.firstBuffered() }

func glance(*conn) bool { return false }
