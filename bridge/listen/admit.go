package listen

import (
	"net/netip"
	"time"
)

// RefusedFull is a reason of Options.Refused: a connection over UDP, which cannot wait, is refused
// because MaxConnections are open.
const RefusedFull = "max_connections"

// Admit counts a connection of client that does not come from a listener of the Group, until done is
// called. It does not wait; false: it is refused.
func (g *Group) Admit(client netip.Addr) (done func(), ok bool) {
	limits := g.watch.limits.Load()
	if limits.denies(nil, client) {
		g.refused(RefusedDenied)
		return nil, false
	}
	key, ok := g.counts.takeFor(client, limits)
	if !ok {
		g.countTooMany(client, limits)
		return nil, false
	}
	if g.slots == nil {
		return func() { g.counts.give(key) }, true
	}
	select {
	case g.slots.c <- struct{}{}:
		return func() {
			g.counts.give(key)
			g.slots.free()
		}, true
	default:
	}
	g.counts.give(key)
	g.refused(RefusedFull)
	if g.counts.refused.Allow(RefusedFull, time.Now()) {
		g.log.Warn("connection_refused", "peer", client.String(), "reason", RefusedFull, "max_connections", cap(g.slots.c),
			"message", "a connection of HTTP/3 was refused: max_connections are open, and its client may come by TCP, where it waits (logged once a minute)")
	}
	return nil, false
}

// Crowded reports that a client has half of the connections that it may have: a further one is of
// somebody who may use its address only if that was validated.
func (g *Group) Crowded(client netip.Addr) bool {
	limits := g.watch.limits.Load()
	return limits.PerClient > 0 && client.IsValid() && g.counts.has(client) >= (limits.PerClient+1)/2
}
