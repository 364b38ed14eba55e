package disk

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/cache/rules"
)

// half is the part of a Key that names have. The rest is compared when a file is read.
func half(k cache.Key) [16]byte { return [16]byte(k[:16]) }

// nameOf is the name of an Answer's file.
func nameOf(k cache.Key, vary []rules.Selector) name {
	n := name{key: half(k)}
	if len(vary) == 0 {
		return n
	}
	var p []byte
	for _, s := range vary {
		p = binary.AppendUvarint(p, uint64(len(s.Name)))
		p = append(p, s.Name...)
		p = binary.AppendUvarint(p, uint64(len(s.Value)))
		p = append(p, s.Value...)
	}
	d := sha256.Sum256(p)
	n.vary = [8]byte(d[:8])
	return n
}

// validated is how long after its end an Answer is kept that can be validated: the app is spared the
// body then.
const validated = 24 * time.Hour

// describe is the entry of an Answer whose file has that length.
func (c *catalog) describe(n name, a *cache.Answer, length int64) entry {
	var b strings.Builder
	e := entry{
		name: n, url: hash(c.seed, a.URL), at: a.Terms.At.UnixNano(), flags: flagRead,
		size: uint32(min((length+unit-1)/unit, math.MaxUint32)),
	}
	url := a.URL
	if len(url) > textURL {
		url, e.flags = url[:textURL], e.flags|flagLongURL
	}
	groups := a.Groups
	if len(groups) > mostGroups {
		groups, e.flags = groups[:mostGroups], e.flags|flagGroups
	}
	b.Grow(8 + 8*len(groups) + len(url))
	add := func(s string) {
		var h [8]byte
		binary.NativeEndian.PutUint64(h[:], hash(c.seed, s))
		b.Write(h[:])
	}
	add(a.App)
	for _, g := range groups {
		add(g)
	}
	e.groups = uint8(len(groups))
	b.WriteString(url)
	e.text = b.String()
	keep := a.Terms.At.Add(a.Terms.Lifetime - a.Terms.InitialAge).Add(useful(&a.Terms, c.stale))
	e.keep = uint32(min(max(keep.Unix(), 0), math.MaxUint32))
	return e
}

// useful is how long an Answer is of use after its end: it may be served stale, or be validated.
func useful(terms *rules.Terms, least time.Duration) time.Duration {
	d := max(least, terms.StaleWhileRevalidate, terms.StaleIfError)
	if terms.ETag != "" || terms.LastModified != "" {
		d = max(d, validated)
	}
	return d
}

// urlText is the beginning of the URL.
func (e *entry) urlText() string { return e.text[8+8*int(e.groups):] }

// hash is that of the app, 0, or of one of the groups, from 1 on.
func (e *entry) hash(i int) uint64 { return binary.NativeEndian.Uint64([]byte(e.text[8*i : 8*i+8])) }

// hasGroup reports whether one of its groups has that hash.
func (e *entry) hasGroup(hash uint64) bool {
	for i := range int(e.groups) {
		if e.hash(i+1) == hash {
			return true
		}
	}
	return false
}
