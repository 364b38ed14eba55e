package cachestore

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/cache"
)

// An id names a purge: a time of the server in microseconds. Ids only grow. 0: none is known.
type id int64

// digits is how many an id has in the server.
const digits = 16

func (i id) String() string {
	var b [digits]byte
	for at := digits - 1; at >= 0; at-- {
		b[at] = byte('0' + i%10)
		i /= 10
	}
	return string(b[:])
}

// parseID reads what String writes at the beginning of s, and returns what follows it.
func parseID(s []byte) (i id, rest []byte, ok bool) {
	if len(s) < digits {
		return 0, nil, false
	}
	for _, c := range s[:digits] {
		if c < '0' || c > '9' {
			return 0, nil, false
		}
		i = 10*i + id(c-'0')
	}
	return i, s[digits:], true
}

// time is when the purge was, by the server's clock.
func (i id) time() time.Time { return time.UnixMicro(int64(i)) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errValue: a value is damaged, or is that of another Key.
var errValue = errors.New("a damaged value")

// errLarge: an Answer is too large for the server.
var errLarge = errors.New("too large for the shared store")

// A value is the length of the encoded Answer and the CRC-32C of its Body, 4 bytes each, then the Answer and the Body.
const valueHead = 8

// encode makes the value of an Answer; most bounds it.
func encode(a *cache.Answer, most int) ([]byte, error) {
	size := a.Body.Size()
	if size > int64(most) {
		return nil, errLarge
	}
	p, err := a.Append(make([]byte, valueHead, valueHead+1024+int(size)))
	if err != nil {
		return nil, err
	}
	n := len(p)
	if n+int(size) > most {
		return nil, errLarge
	}
	p = slices.Grow(p, int(size))[:n+int(size)]
	if _, err := io.ReadFull(a.Body.NewReader(), p[n:]); err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint32(p, uint32(n-valueHead))
	binary.BigEndian.PutUint32(p[4:], crc32.Checksum(p[n:], castagnoli))
	return p, nil
}

// decode reads a value. The Body of the Answer is a part of p.
func decode(k cache.Key, p []byte) (*cache.Answer, error) {
	if len(p) < valueHead {
		return nil, errValue
	}
	n := binary.BigEndian.Uint32(p)
	if uint64(n) > uint64(len(p)-valueHead) {
		return nil, errValue
	}
	body := p[valueHead+n:]
	if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(p[4:]) {
		return nil, errValue
	}
	a, err := cache.Decode(p[valueHead : valueHead+n])
	if err != nil {
		return nil, err
	}
	if a.Key != k {
		return nil, errValue
	}
	a.Body = cache.BytesBody(body[:len(body):len(body)])
	return a, nil
}

// hash names a text in keys and metas, which have no spaces, no bounds to their length and no secrets so.
func hash(kind byte, s string) string {
	h := sha256.New()
	h.Write([]byte{kind})
	io.WriteString(h, s)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// The kinds of hash.
const (
	kindApp    = 'a'
	kindOrigin = 'o'
	kindPath   = 'p'
	kindGroup  = 'g'
	kindVary   = 'v'
)

// meta is what the server knows of an Answer: when it was asked for, and what purges may name it.
func meta(a *cache.Answer, began id) (m string, ok bool) {
	groups := slices.Compact(slices.Sorted(slices.Values(a.Groups)))
	if len(groups) > mostGroups {
		return "", false
	}
	origin, path := split(a.URL)
	words := []string{began.String(), hash(kindApp, a.App), hash(kindOrigin, origin), hash(kindPath, path)}
	for _, g := range groups {
		words = append(words, hash(kindGroup, g))
	}
	return strings.Join(words, " "), true
}

// mostGroups is how many groups an Answer in the server has; a meta is shorter than 8 KiB so.
const mostGroups = 128

// variant names the Vary of an Answer.
func variant(a *cache.Answer) string {
	var b []byte
	for _, s := range a.Vary {
		b = binary.AppendUvarint(b, uint64(len(s.Name)))
		b = append(b, s.Name...)
		b = binary.AppendUvarint(b, uint64(len(s.Value)))
		b = append(b, s.Value...)
	}
	return hash(kindVary, string(b))
}

// split parts a URL into scheme://host and /path?query.
func split(url string) (origin, path string) {
	start := strings.Index(url, "://")
	if start < 0 {
		return "", url
	}
	start += len("://")
	if end := strings.IndexByte(url[start:], '/'); end >= 0 {
		return url[:start+end], url[start+end:]
	}
	return url, ""
}

// scopes are the fields of a target that a purge changes.
func scopes(p *cache.Purge, origin string) []string {
	var narrow string
	if origin != "" {
		narrow = hash(kindOrigin, origin)
	}
	apps := p.Apps
	if len(apps) == 0 {
		return []string{narrow}
	}
	list := make([]string, len(apps))
	for i, app := range apps {
		list[i] = hash(kindApp, app) + narrow
	}
	return list
}

// order is a Purge as it is told to the others.
type order struct {
	By                 string   // the process that has made it
	URL, Prefix, Group string   `json:",omitempty"`
	All, Soft          bool     `json:",omitempty"`
	Origin             string   `json:",omitempty"`
	Apps               []string `json:",omitempty"`
}

// mostOrder bounds what is read of an order; bytes.
const mostOrder = 64 << 10

// encodeOrder writes one of the process self.
func encodeOrder(p *cache.Purge, self string) ([]byte, error) {
	b, err := json.Marshal(order{self, p.URL, p.Prefix, p.Group, p.All, p.Soft, p.Origin, p.Apps})
	if err == nil && len(b) > mostOrder {
		err = errors.New("the purge is too long")
	}
	return b, err
}

// parseOrder reads an order.
func parseOrder(b []byte) (p cache.Purge, by string, ok bool) {
	var o order
	if len(b) > mostOrder || json.Unmarshal(b, &o) != nil {
		return p, "", false
	}
	p = cache.Purge{URL: o.URL, Prefix: o.Prefix, Group: o.Group, All: o.All, Soft: o.Soft, Origin: o.Origin, Apps: o.Apps}
	return p, o.By, p.Check() == nil
}

// keep is how long an Answer is of use: while it is fresh, and while it may be validated, or served stale.
func keep(a *cache.Answer, stale time.Duration, now time.Time) time.Duration {
	t := &a.Terms
	left := t.Lifetime - t.InitialAge - now.Sub(t.At)
	return min(max(left, 0)+max(t.StaleWhileRevalidate, t.StaleIfError, stale, time.Minute), keepMost)
}

// keepMost bounds it.
const keepMost = 400 * 24 * time.Hour
