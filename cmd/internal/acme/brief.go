package acme

import (
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
)

// brief looks after certificates that are valid for hours or minutes, as CAs of companies issue them: certmagic's own look, every ten
// minutes, comes too late for them.
type brief struct {
	cache   *certmagic.Cache
	options certmagic.CacheOptions

	mu    sync.Mutex
	life  time.Duration // of the certificate that is valid for the shortest time; 0: there is none
	found chan struct{} // is closed when there is one that is brief
}

// briefLife is the life of a certificate with which ten minutes are not much.
const briefLife = 60 * certmagic.DefaultRenewCheckInterval

func newBrief(cache *certmagic.Cache, options certmagic.CacheOptions) *brief {
	return &brief{cache: cache, options: options, found: make(chan struct{})}
}

// learn takes in how long a certificate is valid.
func (b *brief) learn(c certmagic.Certificate) {
	if c.Leaf == nil {
		return
	}
	life := c.Leaf.NotAfter.Sub(c.Leaf.NotBefore)
	b.mu.Lock()
	defer b.mu.Unlock()
	if life >= briefLife || b.life > 0 && life >= b.life {
		return
	}
	// certmagic renews so much earlier than the CA advises (ARI), and in any case when five times as much is left.
	o := b.options
	o.RenewCheckInterval = life / 30
	b.cache.SetOptions(o)
	if b.life == 0 {
		close(b.found)
	}
	b.life = life
}

// pace is the time between two looks.
func (b *brief) pace() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(b.life/60, time.Second)
}

// attend renews brief certificates until the Manager stops.
func (m *Manager) attend() {
	select {
	case <-m.ctx.Done():
		return
	case <-m.brief.found:
	}
	for {
		select {
		case <-m.ctx.Done():
			return
		case <-time.After(m.brief.pace()):
		}
		if err := m.cache.RenewManagedCertificates(m.ctx); err != nil && m.ctx.Err() == nil {
			m.log.Error("acme", "message", "looking at certificates", "error", err)
		}
	}
}

// load takes a certificate from the storage into the cache.
func (m *Manager) load(name string) error {
	c, err := m.config.CacheManagedCertificate(m.ctx, name)
	if err == nil {
		m.brief.learn(c)
	}
	return err
}
