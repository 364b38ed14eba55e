package rules

import (
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// transport are the fields that are about one connection, or that the cache writes itself (RFC 9111 3.1).
func transport(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings",
		"Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization",
		"Age", "Cache-Status", "Content-Length":
		return true
	}
	return false
}

// Withheld are the fields of a response that are not stored (RFC 9111 3.1).
type Withheld struct {
	named []string
	all   bool // there are too many names
}

// WithheldOf reads from a response which of its fields are not stored. Names in h are canonical.
func WithheldOf(h http.Header) Withheld {
	var w Withheld
	n := 0
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); httpx.IsToken(name) {
				w.add(name)
				n++
			}
			if n > maxNames {
				w.all = true
				return w
			}
		}
	}
	n = 0
	for d := range directives(h["Cache-Control"]) {
		w.addNames(&d, &n)
	}
	for _, field := range structuredTargeted {
		if lines := h[field]; lines != nil {
			n = 0
			p := structured{s: strings.Join(lines, ",")}
			p.dictionary(func(key string, v *value) {
				d := member(key, v)
				w.addNames(&d, &n)
			})
		}
	}
	return w
}

// addNames adds those that no-cache or private names. n counts the names of a field; of those beyond maxNames the directive has
// none, and is about the whole response.
func (w *Withheld) addNames(d *directive, n *int) {
	if !d.is("no-cache") && !d.is("private") {
		return
	}
	has := named(d)
	if *n += has; has == 0 || *n > maxNames {
		return
	}
	for name := range names(d) {
		w.add(name)
	}
}

func (w *Withheld) add(name string) {
	if name = textproto.CanonicalMIMEHeaderKey(name); name != "Cache-Control" && name != "Date" && name != "Vary" && !slices.Contains(w.named, name) {
		w.named = append(w.named, name)
	}
}

// Has reports whether a field, in any spelling, is not stored.
func (w *Withheld) Has(name string) bool {
	name = textproto.CanonicalMIMEHeaderKey(name)
	return w.all || transport(name) || slices.Contains(w.named, name)
}

// Updates reports whether a field of a 304 replaces the stored one (RFC 9111 3.2). Those of the stored content do not
// change, because it does not.
func Updates(name string) bool {
	name = textproto.CanonicalMIMEHeaderKey(name)
	switch name {
	case "Content-Encoding", "Content-Md5", "Content-Digest", "Content-Range", "Etag":
		return false
	}
	return !transport(name)
}

// maxFields bounds the names that 304s may add to a stored response, one after the other.
const maxFields = 256

// Freshen returns the fields of a stored response after a 304, or a response to HEAD, with the fields fresh (RFC 9111 3.2).
// Age is the fresh one's, for Read; it is not stored either.
func Freshen(stored, fresh http.Header) http.Header {
	h := make(http.Header, len(stored)+len(fresh))
	maps.Copy(h, stored)
	w := WithheldOf(fresh)
	for name, lines := range fresh {
		if stored[name] == nil && len(h) >= maxFields {
			continue
		}
		if Updates(name) && !w.Has(name) || stored[name] == nil && name == "Etag" {
			h[name] = lines
		}
	}
	if was, now := stored["Vary"], h["Vary"]; was != nil && !slices.Equal(was, now) {
		h["Vary"] = bothVary(was, now)
	}
	delete(h, "Age")
	if age := fresh["Age"]; age != nil {
		h["Age"] = age
	}
	if fresh["Date"] == nil { // then it was made now, and not when the stored one was
		delete(h, "Date")
	}
	return h
}

// bothVary is the Vary of content after a 304 with another one: it was selected by the fields of the first one, which middleware that
// compresses leaves out of responses without content.
func bothVary(was, now []string) []string {
	var list []string
	for _, lines := range [][]string{was, now} {
		for name := range varyNames(lines) {
			if !slices.ContainsFunc(list, func(other string) bool { return strings.EqualFold(other, name) }) {
				list = append(list, name)
			}
		}
	}
	return []string{strings.Join(list, ", ")}
}

// HeadConfirms reports whether a 200 to HEAD has the validators and the length of the stored answer, of which the content
// has size bytes (RFC 9111 4.3.5). Then the answer is freshened; else it is no longer valid.
func HeadConfirms(t *Terms, size int64, fresh http.Header) bool {
	if length := first(fresh["Content-Length"]); length != "" {
		if n, ok := digits(length); !ok || n != size {
			return false
		}
	}
	if tag := textproto.TrimString(first(fresh["Etag"])); tag != "" && tag != t.ETag {
		return false
	}
	if at, ok := date(first(fresh["Last-Modified"]), t.At); ok && t.LastModified != "" {
		stored, ok := date(t.LastModified, t.At)
		return ok && at.Equal(stored)
	}
	return true
}

// digits reads a length.
func digits(s string) (n int64, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' || n > 1<<58 {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, s != ""
}

// Modified is the time that If-Modified-Since is compared with (RFC 9111 4.3.2).
func (t *Terms) Modified() time.Time {
	if at, ok := date(t.LastModified, t.At); ok {
		return at
	}
	return t.Date.Truncate(time.Second)
}
