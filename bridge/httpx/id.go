package httpx

import (
	"math/rand/v2"
	"time"
)

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // Crockford's base32: no I, L, O, U

// NewID makes a request id: 26 characters, of which the first 10 are the time in
// milliseconds, so that ids sort by time; the other 16 are 80 random bits. It identifies a
// request; it is no secret.
func NewID(now time.Time) string {
	var b [26]byte
	ms := uint64(now.UnixMilli())
	for i := 9; i >= 0; i-- {
		b[i] = crockford[ms&31]
		ms >>= 5
	}
	hi, lo := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		b[10+i] = crockford[hi>>(5*i)&31]
		b[18+i] = crockford[lo>>(5*i)&31]
	}
	return string(b[:])
}

// ValidID reports whether s may be used as a request id: it goes unchanged into logs, fields
// and the environ.
func ValidID(s string) bool {
	if len(s) == 0 || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
