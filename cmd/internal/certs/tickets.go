package certs

import (
	"crypto/rand"
	"errors"
	"sync"
	"time"
)

const (
	ticketTurn = 8 * time.Hour // a new key
	ticketKeys = 4             // the present one and those before it: a session can be resumed for a day
)

// Tickets are the keys of session tickets. They change, so that a key that leaks opens only what
// was recorded in a day, and survive an upgrade.
type Tickets struct {
	set func([][32]byte)

	mu    sync.Mutex
	keys  [][32]byte
	since time.Time // when the first one was made
}

// NewTickets makes the first key; set is called with all of them when they change. kept is what
// Keep of another process has returned; nil: there is none.
func NewTickets(kept []byte, now time.Time, set func([][32]byte)) (*Tickets, error) {
	t := &Tickets{set: set}
	if len(kept)%32 != 0 || len(kept)/32 > ticketKeys {
		return nil, errors.New("the ticket keys of the old process cannot be read")
	}
	for ; len(kept) > 0; kept = kept[32:] {
		t.keys = append(t.keys, [32]byte(kept))
	}
	if t.since = now; len(t.keys) == 0 {
		t.keys = [][32]byte{newKey()}
	}
	set(t.keys)
	return t, nil
}

func newKey() (k [32]byte) {
	_, _ = rand.Read(k[:]) // never fails
	return k
}

// Look makes a new key when it is time. It is called now and then.
func (t *Tickets) Look(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.since) < ticketTurn {
		return
	}
	t.since = now
	t.keys = append([][32]byte{newKey()}, t.keys[:min(len(t.keys), ticketKeys-1)]...)
	t.set(t.keys)
}

// Keep returns the keys, for the process of an upgrade.
func (t *Tickets) Keep() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b []byte
	for _, k := range t.keys {
		b = append(b, k[:]...)
	}
	return b
}
