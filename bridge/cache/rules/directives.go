package rules

import (
	"iter"
	"math"
	"net/textproto"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// none is a time that no directive gives.
const none time.Duration = -1

// most is what a number of seconds beyond 2^31 counts as (RFC 9111 1.2.2).
const most = (1 << 31) * time.Second

// maxNames bounds the fields that no-cache and private may name, all together. With more, they count as if they named none.
const maxNames = 64

// directive is one member of a Cache-Control field.
type directive struct {
	name  string // as written: names are compared without case
	value string // without quotes
	given bool   // there is a value
	bad   bool   // something that the grammar does not know is behind the name
}

// is compares the name.
func (d *directive) is(name string) bool { return strings.EqualFold(d.name, name) }

// seconds reads the argument of a directive such as max-age. A malformed one is 0, the strictest there is
// (RFC 9111 4.2.1).
func (d *directive) seconds() time.Duration {
	if d.bad {
		return 0
	}
	t, ok := seconds(d.value)
	if !ok {
		return 0
	}
	return t
}

// seconds reads delta-seconds (RFC 9111 1.2.2): digits only.
func seconds(s string) (t time.Duration, ok bool) {
	n := int64(0)
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + int64(c-'0'); n > math.MaxInt32 {
			n = 1 << 31 // the digits behind it are still looked at
		}
	}
	return time.Duration(n) * time.Second, s != ""
}

// directives returns the members of Cache-Control's field lines (RFC 9111 5.2). A member that breaks the grammar does not
// hide those behind it: it ends at the next comma that is not in quotes.
func directives(lines []string) iter.Seq[directive] {
	return func(yield func(directive) bool) {
		for _, line := range lines {
			for line != "" {
				var d directive
				d, line = nextDirective(line)
				if d.name != "" && !yield(d) {
					return
				}
			}
		}
	}
}

// nextDirective takes one member and the comma off the front of s. An empty member has no name.
func nextDirective(s string) (d directive, rest string) {
	s = textproto.TrimString(s)
	end := tokenLength(s)
	d.name, s = s[:end], s[end:]
	if strings.HasPrefix(s, "=") {
		d.given = true
		if s = s[1:]; strings.HasPrefix(s, `"`) {
			d.value, s, d.bad = unquote(s)
		} else {
			end = tokenLength(s)
			d.value, s = s[:end], s[end:]
		}
	}
	end = comma(s)
	d.bad = d.bad || textproto.TrimString(s[:end]) != ""
	return d, s[min(end+1, len(s)):]
}

// tokenBytes are the bytes of a token (RFC 9110 5.6.2).
var tokenBytes = func() (t [256]bool) {
	for c := range t {
		t[c] = httpx.IsToken(string([]byte{byte(c)}))
	}
	return t
}()

// tokenLength is the length of the token at the front of s.
func tokenLength(s string) int {
	for i := range len(s) {
		if !tokenBytes[s[i]] {
			return i
		}
	}
	return len(s)
}

// unquote takes a quoted string off the front of s (RFC 9110 5.6.4). One without an end takes all.
func unquote(s string) (value, rest string, bad bool) {
	escaped := false
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			if value = s[1:i]; escaped {
				value = unescape(value)
			}
			return value, s[i+1:], false
		case '\\':
			escaped = true
			i++
		}
	}
	return s[1:], "", true
}

// unescape takes the backslashes out of a quoted string's content.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// comma finds the first comma outside of quoted strings; the length of s: there is none.
func comma(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ',':
			return i
		case '"':
			_, rest, _ := unquote(s[i:])
			i = len(s) - len(rest) - 1
		}
	}
	return len(s)
}

// control is what Cache-Control, or a targeted field, says of a response.
type control struct {
	noStore, noCache, private, public           bool
	names                                       int // that no-cache and private have
	mustRevalidate, proxyRevalidate, understand bool
	maxAge, sMaxAge                             time.Duration // none: not given
	whileRevalidate, ifError                    time.Duration // none: not given
}

// nothing is a control that says nothing.
func nothing() control {
	return control{maxAge: none, sMaxAge: none, whileRevalidate: none, ifError: none}
}

// lower keeps the lower of two times: of contradicting directives the strictest counts (RFC 9111 4.2.1).
func lower(have *time.Duration, t time.Duration) {
	if *have == none || t < *have {
		*have = t
	}
}

// add takes a directive into account.
func (c *control) add(d *directive) {
	switch {
	case d.is("max-age"):
		lower(&c.maxAge, d.seconds())
	case d.is("s-maxage"):
		lower(&c.sMaxAge, d.seconds())
	case d.is("no-store"):
		c.noStore = true
	case d.is("no-cache"):
		c.noCache = c.unnamed(d) || c.noCache
	case d.is("private"):
		c.private = c.unnamed(d) || c.private
	case d.is("public"):
		c.public = true
	case d.is("must-revalidate"):
		c.mustRevalidate = true
	case d.is("proxy-revalidate"):
		c.proxyRevalidate = true
	case d.is("must-understand"):
		c.understand = true
	case d.is("stale-while-revalidate"):
		lower(&c.whileRevalidate, d.seconds())
	case d.is("stale-if-error"):
		lower(&c.ifError, d.seconds())
	}
}

// unnamed reports whether no-cache or private is about the whole response, not about the fields that it names.
func (c *control) unnamed(d *directive) bool {
	n := named(d)
	c.names += n
	return n == 0 || c.names > maxNames
}

// named counts the fields that no-cache or private names (RFC 9111 5.2.2.4, 5.2.2.7); 0: it is about the whole response.
func named(d *directive) int {
	n := 0
	for name := range names(d) {
		if name == "" {
			return 0
		}
		n++
	}
	return n
}

// names returns the fields that no-cache or private names. An empty one stands for all that is no name.
func names(d *directive) iter.Seq[string] {
	return func(yield func(string) bool) {
		if d.bad {
			yield("")
			return
		}
		for name := range strings.SplitSeq(d.value, ",") {
			if name = textproto.TrimString(name); name == "" {
				continue
			}
			if !httpx.IsToken(name) {
				name = ""
			}
			if !yield(name) {
				return
			}
		}
	}
}
