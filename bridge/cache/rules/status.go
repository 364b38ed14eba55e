package rules

import (
	"strconv"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Report is what one member of Cache-Status says (RFC 9211 2).
type Report struct {
	Hit       bool          // a stored answer was served
	TTL       time.Duration // of a stored answer: how long it is still fresh; negative: since when it is stale
	Fwd       string        // why the app was asked: "bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"
	FwdStatus int           // what the app answered, if that is not the response's status; 0: not said
	Stored    bool
	Collapsed bool
	Detail    string // a word; empty: none
}

// Status is the member.
func Status(r Report) string { return string(AppendStatus(nil, r)) }

// AppendStatus appends the member. Of a hit and a reason to ask the app only one is said: an answer that was served because
// the app failed, or after the app has confirmed it, was asked for.
func AppendStatus(dst []byte, r Report) []byte {
	dst = append(dst, "standpipe"...)
	switch {
	case r.Fwd != "":
		dst = append(append(dst, "; fwd="...), r.Fwd...)
	case r.Hit:
		dst = append(dst, "; hit"...)
	}
	if r.FwdStatus != 0 {
		dst = strconv.AppendInt(append(dst, "; fwd-status="...), int64(r.FwdStatus), 10)
	}
	if r.Hit {
		dst = strconv.AppendInt(append(dst, "; ttl="...), wholeSeconds(r.TTL), 10)
	}
	if r.Stored {
		dst = append(dst, "; stored"...)
	}
	if r.Collapsed {
		dst = append(dst, "; collapsed"...)
	}
	if r.Detail != "" {
		dst = appendDetail(append(dst, "; detail="...), r.Detail)
	}
	return dst
}

// wholeSeconds rounds down: what has just become stale has the TTL -1, or 0.
func wholeSeconds(t time.Duration) int64 {
	n := int64(t / time.Second)
	if t < 0 && t%time.Second != 0 {
		n--
	}
	return n
}

// appendDetail appends a token, or else a string (RFC 9651 3.3.3) in which other bytes than those of ASCII are "?".
func appendDetail(dst []byte, s string) []byte {
	if httpx.IsToken(s) && isAlpha(s[0]) {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c > '~':
			dst = append(dst, '?')
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
