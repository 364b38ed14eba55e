package dashboard

import (
	"net/netip"
	"sync"
	"time"
)

// Wrong tokens: each client may send a few at once, then one every ten seconds; all clients together a hundred at once, then one each
// second. A right one is refused in the meantime too: the answer would tell it.
const (
	clientBurst, clientEvery = 5, 10 * time.Second
	allBurst, allEvery       = 100, time.Second
	maxGuessers              = 1024 // clients that are counted singly
)

// guesses bounds how often a token may be tried. The zero value is ready.
type guesses struct {
	mu      sync.Mutex
	clients map[string]time.Time // when all guesses of a client are forgotten
	all     time.Time
}

// wait is how long the client has to wait before the next try; 0: not at all.
func (g *guesses) wait(client string, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	own := later(g.clients[network(client)], now).Sub(now) - (clientBurst-1)*clientEvery
	all := later(g.all, now).Sub(now) - (allBurst-1)*allEvery
	return max(0, own, all)
}

// wrong counts a wrong token.
func (g *guesses) wrong(client string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = later(g.all, now).Add(allEvery)
	key := network(client)
	if _, known := g.clients[key]; !known && len(g.clients) >= maxGuessers {
		for other, until := range g.clients {
			if !now.Before(until) {
				delete(g.clients, other)
			}
		}
		if len(g.clients) >= maxGuessers {
			return // so many clients at once: the bound of all holds
		}
	}
	if g.clients == nil {
		g.clients = map[string]time.Time{}
	}
	g.clients[key] = later(g.clients[key], now).Add(clientEvery)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// network is what counts as one client: an address, or the /64 of one of IPv6.
func network(client string) string {
	ip, err := netip.ParseAddr(client)
	if err != nil || ip.Unmap().Is4() {
		return client
	}
	p, err := ip.Prefix(64)
	if err != nil {
		return client
	}
	return p.String()
}
