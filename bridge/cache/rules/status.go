package rules

import (
	"strconv"
	"time"
)

// Report is what one member of Cache-Status says (RFC 9211 2).
type Report struct {
	Hit       bool
	TTL       time.Duration // of a hit: how long it is still fresh
	Fwd       string        // else why the app was asked: "bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"
	FwdStatus int           // what the app answered, if that is not the response's status; 0: not said
	Stored    bool
	Collapsed bool
	Detail    string // a token; empty: none
}

// Status is the member.
func Status(r Report) string { return string(AppendStatus(nil, r)) }

// AppendStatus appends the member.
func AppendStatus(dst []byte, r Report) []byte {
	dst = append(dst, "standpipe"...)
	if r.Hit {
		dst = append(dst, "; hit; ttl="...)
		dst = strconv.AppendInt(dst, int64(r.TTL/time.Second), 10)
	} else if r.Fwd != "" {
		dst = append(dst, "; fwd="...)
		dst = append(dst, r.Fwd...)
	}
	if r.FwdStatus != 0 {
		dst = append(dst, "; fwd-status="...)
		dst = strconv.AppendInt(dst, int64(r.FwdStatus), 10)
	}
	if r.Stored {
		dst = append(dst, "; stored"...)
	}
	if r.Collapsed {
		dst = append(dst, "; collapsed"...)
	}
	if r.Detail != "" {
		dst = append(dst, "; detail="...)
		dst = append(dst, r.Detail...)
	}
	return dst
}
