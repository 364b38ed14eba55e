package dnsnames

import (
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// times is the shortest time of the records that were read.
type times struct {
	mu    sync.Mutex
	least uint32 // seconds
	known bool
	asked string // the server that was asked last, in place of the system's; empty: none
}

func (t *times) ask(server string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asked = server
}

// named names the server that was really asked in an error.
func (t *times) named(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := errors.AsType[*net.DNSError](err); ok && t.asked != "" {
		other := *e
		other.Server = t.asked
		return &other
	}
	return err
}

func (t *times) value() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.known {
		return usualTime
	}
	return min(max(time.Duration(t.least)*time.Second, shortest), longest)
}

// see reads the times of a message. One that is no message says nothing: the resolver refuses it.
func (t *times) see(message []byte) {
	least, ok := leastTime(message)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.known || least < t.least {
		t.least, t.known = least, true
	}
}

// leastTime is the shortest time of a message's answers; not ok: it has none.
func leastTime(message []byte) (least uint32, ok bool) {
	var p dnsmessage.Parser
	if _, err := p.Start(message); err != nil {
		return 0, false
	}
	if err := p.SkipAllQuestions(); err != nil {
		return 0, false
	}
	for {
		h, err := p.AnswerHeader()
		if err != nil {
			return least, ok
		}
		if !ok || h.TTL < least {
			least, ok = h.TTL, true
		}
		if err := p.SkipAnswer(); err != nil {
			return least, ok
		}
	}
}

// packets is a connection by UDP: each read is a message.
type packets struct {
	*net.UDPConn
	times *times
}

func (c *packets) Read(p []byte) (int, error) {
	n, err := c.UDPConn.Read(p)
	if n > 0 {
		c.times.see(p[:n])
	}
	return n, err
}

// bytesOf is a connection by TCP: a message comes after its length, in two bytes (RFC 1035 4.2.2).
type bytesOf struct {
	net.Conn
	times *times
	read  []byte // of a message that is not complete; at most 64 KiB and what one read brings
}

func (c *bytesOf) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read = append(c.read, p[:n]...)
	for len(c.read) >= 2 {
		size := int(binary.BigEndian.Uint16(c.read))
		if len(c.read) < 2+size {
			break
		}
		c.times.see(c.read[2 : 2+size])
		c.read = c.read[2+size:]
	}
	return n, err
}
