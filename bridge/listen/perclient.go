package listen

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// clientCounts are the open connections of each client, as far as they are limited.
type clientCounts struct {
	refused httpx.LogLimiter // connection_refused, by client

	mu   sync.Mutex
	open map[clientKey]int
}

// clientKey stands for what counts as one client: an IPv4 address, or the /64 of an IPv6
// address, which is the least that a customer has. 0: none.
type clientKey uint64

func keyOf(a netip.Addr) clientKey {
	if a.Is4() {
		b := a.As4()
		return 0xffffffff<<32 | clientKey(binary.BigEndian.Uint32(b[:])) // among IPv6's a multicast network
	}
	b := a.As16()
	return max(1, clientKey(binary.BigEndian.Uint64(b[:8]))) // loopback is 0
}

// addrOf is the client's address; invalid for what is not TCP.
func addrOf(c *Conn) netip.Addr { return plainAddr(c.RemoteAddr()) }

func plainAddr(a net.Addr) netip.Addr {
	tcp, _ := a.(*net.TCPAddr)
	if tcp == nil {
		return netip.Addr{}
	}
	return httpx.PlainAddr(tcp.AddrPort().Addr())
}

// take counts c; false: its client has as many connections as it may have.
func (l *clientCounts) take(c *Conn, limits *Limits) (ok bool) {
	c.counted, ok = l.takeFor(addrOf(c), limits)
	return ok
}

// takeFor counts a connection of a client. The key is for give.
func (l *clientCounts) takeFor(a netip.Addr, limits *Limits) (key clientKey, ok bool) {
	if limits.PerClient <= 0 {
		return 0, true
	}
	if !a.IsValid() || limits.Unlimited != nil && limits.Unlimited(a) {
		return 0, true
	}
	key = keyOf(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = make(map[clientKey]int)
	}
	if l.open[key] >= limits.PerClient {
		return 0, false
	}
	l.open[key]++
	return key, true
}

// free takes c off the count.
func (l *clientCounts) free(c *Conn) { l.give(c.counted) }

// give takes a connection off the count.
func (l *clientCounts) give(key clientKey) {
	if key == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[key]--; l.open[key] <= 0 {
		delete(l.open, key)
	}
}

// has is how many connections of a client are counted.
func (l *clientCounts) has(a netip.Addr) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open[keyOf(a)]
}

// tooMany closes c, which is not counted, with a reset, so that nothing of it is kept.
func (g *Group) tooMany(c *Conn, limits *Limits) {
	_ = c.SetLinger(0)
	_ = c.Conn.Close()
	g.countTooMany(addrOf(c), limits)
}

// denies reports whether a client's connections are closed at once.
func (l *Limits) denies(at net.Addr, client netip.Addr) bool {
	return l.Denied != nil && client.IsValid() && l.Denied(at, client)
}

// denied closes c, which is not counted, with a reset. Its record was written.
func (g *Group) denied(c *Conn) {
	g.refused(RefusedDenied)
	_ = c.SetLinger(0)
	_ = c.Conn.Close()
}

// countTooMany counts a connection that is refused because its client has too many, and writes a
// record, at most once a minute for each client.
func (g *Group) countTooMany(a netip.Addr, limits *Limits) {
	g.refused(RefusedPerClient)
	client := a.String()
	if p, err := a.Prefix(64); err == nil && p.Addr().Is6() {
		client = p.String()
	}
	if g.counts.refused.Allow(client, time.Now()) {
		g.log.Warn("connection_refused", "peer", client, "reason", RefusedPerClient, "max_connections", limits.PerClient,
			"message", "a connection was refused: its client has as many as max_connections_per_client allows (logged once a minute)")
	}
}
