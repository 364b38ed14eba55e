package access

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/kept"
	"github.com/standpipe/standpipe/bridge/netset"
)

const (
	// MaxDenied is how many networks may be denied at run time: about 20 MB.
	MaxDenied = 100_000
	// forPeople of them are left to commands: clients that offend from many addresses must not use up the places.
	forPeople = 1_000
	maxCause  = 200     // bytes
	maxEntry  = 4 << 10 // bytes of an entry that Restore reads
)

// Entry is a network that is denied at run time.
type Entry struct {
	Network netip.Prefix `json:"network"`
	Until   time.Time    `json:"until,omitzero"` // zero: until it is removed
	Since   time.Time    `json:"since"`
	Cause   string       `json:"cause,omitempty"`
	// ByCommand: a person denied it; otherwise the server did.
	ByCommand bool `json:"by_command"`
}

func (e *Entry) over(now time.Time) bool { return !e.Until.IsZero() && !now.Before(e.Until) }

// ErrFull is the error of Add when MaxDenied networks are denied.
var ErrFull = errors.New("the deny list is full")

// Denied is the deny list of this hour. It outlives reloads.
type Denied struct {
	size atomic.Int64 // of entries, read without the lock

	mu      sync.RWMutex
	entries map[netip.Prefix]*Entry
	lengths [2][]length // of IPv4 and IPv6, that occur in entries
	version uint64      // grows with each change
}

// length is how many entries have so many bits.
type length struct{ bits, count int }

// NewDenied returns an empty list.
func NewDenied() *Denied { return &Denied{entries: map[netip.Prefix]*Entry{}} }

// Deny denies a network, for the server itself; see Add.
func (d *Denied) Deny(network netip.Prefix, until time.Time, cause string) error {
	return d.Add(Entry{Network: network, Until: until, Since: time.Now(), Cause: cause})
}

// Add denies a network. What was said of the same network before is replaced, unless that lasts longer and a person said it.
func (d *Denied) Add(e Entry) error {
	if !e.Network.IsValid() {
		return fmt.Errorf("%v is not a network", e.Network)
	}
	e.Network = e.Network.Masked()
	if len(e.Cause) > maxCause {
		e.Cause = e.Cause[:maxCause]
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if was := d.entries[e.Network]; was != nil {
		if was.ByCommand && !e.ByCommand && (was.Until.IsZero() || !e.Until.IsZero() && was.Until.After(e.Until)) {
			return nil
		}
		d.entries[e.Network] = &e
		d.version++
		return nil
	}
	most := MaxDenied
	if !e.ByCommand {
		most -= forPeople
	}
	if len(d.entries) >= most && d.sweep(e.Since) == 0 {
		return fmt.Errorf("%w: it has %d networks", ErrFull, len(d.entries))
	}
	d.entries[e.Network] = &e
	d.count(e.Network, 1)
	return nil
}

// Remove ends the denial of a network; false: it was not denied.
func (d *Denied) Remove(network netip.Prefix) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	network = network.Masked()
	if d.entries[network] == nil {
		return false
	}
	delete(d.entries, network)
	d.count(network, -1)
	return true
}

// count adds to what is known beside entries.
func (d *Denied) count(network netip.Prefix, n int) {
	d.size.Store(int64(len(d.entries)))
	d.version++
	list := &d.lengths[family(network.Addr())]
	i, found := slices.BinarySearchFunc(*list, network.Bits(), func(l length, bits int) int { return bits - l.bits }) // the longest first
	if !found {
		*list = slices.Insert(*list, i, length{bits: network.Bits()})
	}
	if (*list)[i].count += n; (*list)[i].count == 0 {
		*list = slices.Delete(*list, i, i+1)
	}
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// Find returns why an address is denied now.
func (d *Denied) Find(a netip.Addr, now time.Time) (Entry, bool) {
	if d.size.Load() == 0 || !a.IsValid() {
		return Entry{}, false
	}
	a = a.Unmap().WithZone("")
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, l := range d.lengths[family(a)] {
		if p, err := a.Prefix(l.bits); err == nil {
			if e := d.entries[p]; e != nil && !e.over(now) {
				return *e, true
			}
		}
	}
	return Entry{}, false
}

// Sweep removes what is over. It is called about once a second.
func (d *Denied) Sweep(now time.Time) {
	if d.size.Load() > 0 {
		d.mu.Lock()
		d.sweep(now)
		d.mu.Unlock()
	}
}

// sweep returns how many entries it has removed.
func (d *Denied) sweep(now time.Time) (n int) {
	for network, e := range d.entries {
		if e.over(now) {
			delete(d.entries, network)
			d.count(network, -1)
			n++
		}
	}
	return n
}

// Len counts the entries.
func (d *Denied) Len() int { return int(d.size.Load()) }

// Version grows with each change.
func (d *Denied) Version() uint64 {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.version
}

// List returns at most n entries that are not over, those that were denied last first; 0: all.
func (d *Denied) List(now time.Time, n int) []Entry {
	d.mu.RLock()
	list := make([]Entry, 0, len(d.entries))
	for _, e := range d.entries {
		if !e.over(now) {
			list = append(list, *e)
		}
	}
	d.mu.RUnlock()
	slices.SortFunc(list, func(a, b Entry) int {
		return cmp.Or(b.Since.Compare(a.Since), a.Network.Addr().Compare(b.Network.Addr()), cmp.Compare(a.Network.Bits(), b.Network.Bits()))
	})
	if n > 0 && len(list) > n {
		list = list[:n]
	}
	return list
}

// Encode writes the list for another process, which Restore reads.
func (d *Denied) Encode(now time.Time) ([]byte, error) { return json.Marshal(d.List(now, 0)) }

// Restore adds what Encode has written. The bytes are of a file, which may be broken.
func (d *Denied) Restore(b []byte, now time.Time) error {
	return kept.Each(b, MaxDenied, maxEntry, func(e Entry) error {
		if e.over(now) {
			return nil
		}
		if e.Since.After(now) {
			e.Since = now
		}
		return d.Add(e)
	})
}

// Risky says why a network is not denied without being asked again; empty: it is.
func Risky(p netip.Prefix) string {
	switch a := p.Addr(); {
	case p.Bits() == 0:
		return p.String() + " is every address"
	case a.Is4() && p.Bits() < 8, a.Is6() && p.Bits() < 16:
		return p.String() + " is a large part of all addresses"
	case p.Overlaps(netip.MustParsePrefix("127.0.0.0/8")), p.Overlaps(netip.MustParsePrefix("::1/128")):
		return p.String() + " is this machine itself"
	}
	return ""
}

// ParseNetwork reads an address or a network, or "all".
func ParseNetwork(text string) ([]netip.Prefix, error) {
	if text == "all" {
		return []netip.Prefix{netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}, nil
	}
	p, err := netset.Parse(text)
	if err != nil {
		return nil, err
	}
	return []netip.Prefix{p}, nil
}
