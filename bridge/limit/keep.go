package limit

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// mostKept is how many keys another process gets of a limit: 1.6 MB.
const mostKept = 100_000

// A text of keys: the version, the secret of their hashes, when it was written (nanoseconds of Unix), and for each key its
// hash and how far it is ahead, in nanoseconds.
const (
	keptVersion = 1
	keptHead    = 1 + 16 + 8
	keptKey     = 8 + 8
	// keptAhead is the most that a key may be ahead.
	keptAhead = 10 * 365 * 24 * time.Hour
)

// Encode writes what the limit has counted for another process, which Restore reads: of the keys that still count those
// that have sent the most.
func (s *State) Encode(now time.Time) []byte {
	keys := s.table.live(s.now())
	if len(keys) > mostKept {
		slices.SortFunc(keys, func(a, b slot) int { return cmp.Compare(b.at, a.at) })
		keys = keys[:mostKept]
	}
	b := make([]byte, 0, keptHead+len(keys)*keptKey)
	b = append(b, keptVersion)
	for _, n := range []uint64{s.secret.k0, s.secret.k1, uint64(now.UnixNano())} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	at := s.now()
	for _, k := range keys {
		b = binary.LittleEndian.AppendUint64(b, k.hash)
		b = binary.LittleEndian.AppendUint64(b, uint64(max(k.at-at, 0)))
	}
	return b
}

// Restore goes on with what another process has counted. It is called before the first request; what is not of this form
// changes nothing.
func (s *State) Restore(b []byte, now time.Time) error {
	if len(b) < keptHead || b[0] != keptVersion || (len(b)-keptHead)%keptKey != 0 || (len(b)-keptHead)/keptKey > mostKept {
		return errors.New("the counts of a limit are of an unknown form")
	}
	s.secret = secretOf(b[1:])
	passed := max(now.UnixNano()-int64(binary.LittleEndian.Uint64(b[17:])), 0)
	at := s.now()
	for b = b[keptHead:]; len(b) > 0; b = b[keptKey:] {
		hash, ahead := binary.LittleEndian.Uint64(b), int64(binary.LittleEndian.Uint64(b[8:]))
		if ahead -= passed; hash != 0 && ahead > 0 && ahead <= int64(keptAhead) {
			*s.table.of(hash).find(hash, at) = at + ahead
		}
	}
	return nil
}

// live are the keys that still count.
func (t *table) live(now int64) (keys []slot) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for _, k := range s.slots {
			if k.at > now {
				keys = append(keys, k)
			}
		}
		s.mu.Unlock()
	}
	return keys
}
