package h3

import (
	"crypto/rand"
	"errors"
	"slices"

	"github.com/quic-go/quic-go"
)

// A connection id begins with the tag of its process. What follows is random.
const (
	tagLen = 4
	idLen  = tagLen + 8
)

// mostBefore is how many processes before this one may still answer requests.
const mostBefore = 4

type tag [tagLen]byte

// Keys are what an upgrade passes on: clients' tokens are valid in the new process, which can tell
// them when a connection is lost, and knows the connections of the processes before it.
type Keys struct {
	reset  quic.StatelessResetKey
	token  quic.TokenGeneratorKey
	own    tag
	before []tag // the newest one first
}

// NewKeys makes keys of those that Keep of another process has returned; nil: there are none.
func NewKeys(kept []byte) (*Keys, error) {
	k := &Keys{}
	_, _ = rand.Read(k.own[:]) // never fails
	if len(kept) == 0 {
		_, _ = rand.Read(k.reset[:])
		_, _ = rand.Read(k.token[:])
		return k, nil
	}
	n := len(k.reset) + len(k.token)
	if len(kept) < n || (len(kept)-n)%tagLen != 0 || len(kept) > n+mostBefore*tagLen {
		return nil, errors.New("the QUIC keys of the old process cannot be read")
	}
	copy(k.reset[:], kept)
	copy(k.token[:], kept[len(k.reset):])
	for rest := kept[n:]; len(rest) > 0; rest = rest[tagLen:] {
		k.before = append(k.before, tag(rest))
	}
	return k, nil
}

// Keep returns them for the process of an upgrade.
func (k *Keys) Keep() []byte {
	b := slices.Concat(k.reset[:], k.token[:], k.own[:])
	for _, t := range k.before[:min(len(k.before), mostBefore-1)] {
		b = append(b, t[:]...)
	}
	return b
}

// older reports whether a packet belongs to a connection of a process before this one. A client
// chooses the first id of a connection: it has another length, or one of these tags by a chance of
// one in 2^32.
func (k *Keys) older(packet []byte) bool {
	var id []byte
	switch { // RFC 9000 17.2, 17.3
	case len(packet) > 0 && packet[0]&0x80 == 0:
		id = packet[1:]
	case len(packet) > 6 && packet[5] == idLen:
		id = packet[6:]
	}
	return len(id) >= idLen && slices.Contains(k.before, tag(id[:tagLen]))
}

func (k *Keys) ids() ids { return ids{k.own} }

// ids is quic-go's ConnectionIDGenerator.
type ids struct{ own tag }

// GenerateConnectionID makes one.
func (g ids) GenerateConnectionID() (quic.ConnectionID, error) {
	var b [idLen]byte
	copy(b[:], g.own[:])
	_, _ = rand.Read(b[tagLen:])
	return quic.ConnectionIDFromBytes(b[:]), nil
}

// ConnectionIDLen is their length.
func (g ids) ConnectionIDLen() int { return idLen }
