package upstream

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"
)

// Sticky sends the requests of a client to the upstream that its cookie names, as long as this one gets requests; all
// others go where Otherwise says. The keys are tags.
type Sticky struct{ Otherwise Policy }

// Pick is of Policy.
func (p *Sticky) Pick(all []*Member, among Set, key string, now time.Time) int {
	if key != "" {
		for i := range among.All() {
			if all[i].Tag() == key {
				return i
			}
		}
	}
	return p.Otherwise.Pick(all, among, key, now)
}

// Tag names the upstream without giving its address away.
func (u *Upstream) Tag() string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], mix(digest(u.Name)))
	return string(b[:])
}

// Cookie is how a client names an upstream. Only those with the key can make one: else a client could choose.
type Cookie struct {
	Name string
	Path string // of the route
	Key  []byte
}

const (
	tagSize = 8  // bytes
	macSize = 16 // bytes of the HMAC-SHA256
)

// Read returns the tag of the request's cookie; empty: it has none, or a false one.
func (c *Cookie) Read(r *http.Request) string {
	for _, one := range r.CookiesNamed(c.Name) {
		if tag, ok := c.open(one.Value); ok {
			return tag
		}
	}
	return ""
}

func (c *Cookie) open(value string) (tag string, ok bool) {
	if len(value) != base64.RawURLEncoding.EncodedLen(tagSize+macSize) {
		return "", false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || !hmac.Equal(b[tagSize:], c.mac(b[:tagSize])) {
		return "", false
	}
	return string(b[:tagSize]), true
}

// Field is the Set-Cookie field for an upstream.
func (c *Cookie) Field(tag string, secure bool) string {
	var b strings.Builder
	b.WriteString(c.Name + "=" + base64.RawURLEncoding.EncodeToString(append([]byte(tag), c.mac([]byte(tag))...)) + "; Path=" + c.Path + "; HttpOnly; SameSite=Lax")
	if secure {
		b.WriteString("; Secure")
	}
	return b.String()
}

// mac includes name and path: the cookie of another route is none.
func (c *Cookie) mac(tag []byte) []byte {
	h := hmac.New(sha256.New, c.Key)
	h.Write([]byte(c.Name + "\n" + c.Path + "\n"))
	h.Write(tag)
	return h.Sum(nil)[:macSize]
}
