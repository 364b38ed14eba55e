package spool

import (
	"fmt"
	"net/netip"
	"sync"
)

// Budget bounds the bytes that all clients together may hold somewhere, and those of
// one client. What counts is what is there, not what somebody has announced. The zero
// value counts and bounds nothing. Its fields are set before the first use.
type Budget struct {
	// Name is the setting that says Total, for messages.
	Name string
	// Total bounds all bytes together; 0: no limit.
	Total int64
	// Share bounds the bytes of one client; 0: no limit. Beyond it the client may have as
	// much as it leaves free for all others: so one that is alone gets half of Total. A
	// client that is not known (a unix socket whose other end does not say for whom it
	// speaks) has no share of its own.
	Share int64

	mu   sync.Mutex
	used int64
	by   map[netip.Prefix]int64 // by client, where Share is set; no entry: none
}

// Used is how many bytes are held now.
func (b *Budget) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// Take accounts for n more bytes of a client. An error wraps ErrFull, and nothing
// is accounted for then.
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

// Fits reports by an error that Take would fail now.
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
	if left, ok := b.by[client]; ok {
		if left -= n; left > 0 {
			b.by[client] = left
		} else {
			delete(b.by, client)
		}
	}
}
