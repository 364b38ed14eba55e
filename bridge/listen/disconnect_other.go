//go:build !linux

package listen

import "errors"

// disconnectsSeen: a client that disconnects is noticed when the connection is written.
const disconnectsSeen = false

type poller struct{}

func (*poller) add(*disconnects, *Conn, uint32) (tok uint64, half bool, err error) {
	return 0, false, errors.ErrUnsupported
}

func (*poller) prepare(*disconnects) {}

func (*poller) remove(*Conn) {}

func (*poller) end() {}
