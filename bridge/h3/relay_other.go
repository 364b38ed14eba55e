//go:build !unix

package h3

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
)

// packets is not for this system: there is no upgrade.
type packets struct {
	net.PacketConn
	before atomic.Pointer[net.UnixConn]
}

func newPackets(*net.UDPConn, *Keys) *packets { return nil }

func (p *packets) yield(*net.UnixConn) {}
func (p *packets) reclaim()            {}

func connOf(*os.File) (*net.UnixConn, error) { return nil, errors.ErrUnsupported }

func newPair() (*net.UnixConn, *os.File, error) { return nil, nil, errors.ErrUnsupported }
