package spool

import (
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// Budget bounds the bytes that all clients together, and one client, may hold. Bytes that have
// arrived count, not declared lengths. The zero value counts, and has no limit. Its fields are
// set before the first use.
type Budget struct {
	// Name is the setting of Total, for messages.
	Name string
	// Total bounds all bytes together; 0: no limit.
	Total int64
	// Share bounds the bytes of one client; 0: no limit. Beyond it a client may have as
	// much as it leaves free for all others, so a client that is alone gets half of Total.
	// An unknown client (a unix socket whose other end does not name it) has no share.
	Share int64

	mu   sync.Mutex
	used int64
	by   map[netip.Prefix]int64 // by client, where Share is set; no entry: none
	gave chan struct{}          // closed by the next Give; nil: none waits for one
}

// soon is how long a body that finds no room waits for the end of another one. A body is given
// back right after its answer has been sent; a client that sends large bodies one after the
// other would be refused for its own last one.
const soon = 100 * time.Millisecond

// Used is how many bytes are held now.
func (b *Budget) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// Take accounts for n more bytes of a client. With an error, which wraps ErrFull, it accounts
// for none.
func (b *Budget) Take(client netip.Prefix, n int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.check(client, n); err != nil {
		return err
	}
	b.used += n
	if b.Share > 0 && client.IsValid() && n > 0 {
		if b.by == nil {
			b.by = make(map[netip.Prefix]int64)
		}
		b.by[client] += n
	}
	return nil
}

// TakeSoon is Take, and waits shortly when there is no room now.
func (b *Budget) TakeSoon(client netip.Prefix, n int64) error {
	return b.wait(func() error { return b.Take(client, n) })
}

// FitsSoon is Fits, and waits shortly when there is no room now.
func (b *Budget) FitsSoon(client netip.Prefix, n int64) error {
	if b.Total > 0 && n > b.Total { // never
		return b.Fits(client, n)
	}
	return b.wait(func() error { return b.Fits(client, n) })
}

// wait tries again when others give back, for as long as soon.
func (b *Budget) wait(try func() error) error {
	err := try()
	if err == nil {
		return nil
	}
	timer := time.NewTimer(soon)
	defer timer.Stop()
	for {
		b.mu.Lock()
		if b.gave == nil {
			b.gave = make(chan struct{})
		}
		gave := b.gave
		b.mu.Unlock()
		if err = try(); err == nil { // there may be room since the channel was made
			return nil
		}
		select {
		case <-gave:
		case <-timer.C:
			return err
		}
	}
}

// Fits returns the error that Take would return now.
func (b *Budget) Fits(client netip.Prefix, n int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.check(client, n)
}

func (b *Budget) check(client netip.Prefix, n int64) error {
	switch {
	case b.Total > 0 && b.used+n > b.Total:
		return fmt.Errorf("%w: %s is %d bytes, %d of them are in use", ErrFull, b.Name, b.Total, b.used)
	case b.Share > 0 && client.IsValid() && b.by[client]+n > max(b.Share, b.Total-b.used-n):
		return fmt.Errorf("%w: one client may have %d bytes of %s, or as much as it leaves free, and %s has %d of the %d in use",
			ErrFull, b.Share, b.Name, client, b.by[client], b.used)
	}
	return nil
}

// Give gives n bytes of a client back.
func (b *Budget) Give(client netip.Prefix, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	if b.gave != nil && n > 0 {
		close(b.gave)
		b.gave = nil
	}
	if left, ok := b.by[client]; ok {
		if left -= n; left > 0 {
			b.by[client] = left
		} else {
			delete(b.by, client)
		}
	}
}
