package listen

import (
	"slices"
	"time"
)

// Tunnel is what is known of an upgraded connection.
type Tunnel struct {
	ID, Method, Target string // of the request that was upgraded
	Began              time.Time
}

// tunnel is a Tunnel, and its end.
type tunnel struct {
	Tunnel
	end func()
}

// Upgraded makes the connection a tunnel: it may be silent for Limits.Tunnel. end closes it and has its
// handler end; it is called from another goroutine.
func (c *Conn) Upgraded(t Tunnel, end func()) {
	c.tunnel.Store(&tunnel{t, end})
	c.pace.upgraded.Store(true)
}

// tunnels are the upgraded connections, in no order.
func (s *watch) tunnels() (list []*tunnel) {
	for _, c := range s.list() {
		if t := c.tunnel.Load(); t != nil {
			list = append(list, t)
		}
	}
	return list
}

// Tunnels are the upgraded connections that are open, the oldest first.
func (g *Group) Tunnels() []Tunnel { return sorted(g.watch.tunnels()) }

// EndTunnels closes the upgraded connections, and says which ones they were, the oldest first. It does not wait for
// their handlers; Shutdown does.
func (g *Group) EndTunnels() []Tunnel {
	list := g.watch.tunnels()
	for _, t := range list {
		t.end()
	}
	return sorted(list)
}

func sorted(list []*tunnel) []Tunnel {
	all := make([]Tunnel, len(list))
	for i, t := range list {
		all[i] = t.Tunnel
	}
	slices.SortFunc(all, func(a, b Tunnel) int { return a.Began.Compare(b.Began) })
	return all
}
