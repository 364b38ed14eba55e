package compress

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// An app's fields come in the app's spelling, which need not be Go's.

// get is the first value of a field; empty: there is none.
func get(h http.Header, name string) string {
	for key, values := range h {
		if len(values) > 0 && strings.EqualFold(key, name) {
			return values[0]
		}
	}
	return ""
}

func remove(h http.Header, name string) {
	for key := range h {
		if strings.EqualFold(key, name) {
			delete(h, key)
		}
	}
}

// holds reports whether a list-valued field has an item, whatever its parameters.
func holds(h http.Header, name, item string) bool {
	for key, values := range h {
		if !strings.EqualFold(key, name) {
			continue
		}
		for _, v := range values {
			for part := range strings.SplitSeq(v, ",") {
				if strings.EqualFold(strings.TrimSpace(part), item) {
					return true
				}
			}
		}
	}
	return false
}

// vary says that the answer depends on Accept-Encoding (RFC 9110 12.5.5).
func vary(h http.Header) {
	if holds(h, "Vary", "Accept-Encoding") || holds(h, "Vary", "*") {
		return
	}
	for key, values := range h {
		if strings.EqualFold(key, "Vary") && len(values) > 0 {
			h[key] = append(values[:len(values):len(values)], "Accept-Encoding")
			return
		}
	}
	h["Vary"] = []string{"Accept-Encoding"}
}

// weaken makes a strong ETag weak: what goes out is not the same bytes (RFC 9110
// 8.8.1).
func weaken(h http.Header) {
	for key, values := range h {
		if strings.EqualFold(key, "ETag") && len(values) > 0 && strings.HasPrefix(values[0], `"`) {
			h[key] = []string{"W/" + values[0]}
		}
	}
}

// length is the Content-Length; -1: there is none.
func length(h http.Header) int64 {
	n, err := strconv.ParseInt(get(h, "Content-Length"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// strengthen gives the app its own tags back: a client that was sent W/"x" for the
// app's "x" may name it in If-Match, where a weak tag would never do (RFC 9110
// 13.1.1), and in If-None-Match, where an app may compare the text. An app whose own tag
// is weak refuses it in If-Match as before.
//
// strong and weak say which kinds of tags the app has sent: one that sends weak ones has
// them back in If-None-Match as they are, and one that sends both has both spellings.
func strengthen(h http.Header, strong, weak bool) {
	strip(h, "If-Match", func(_, without string) string { return without })
	switch {
	case !weak:
		strip(h, "If-None-Match", func(_, without string) string { return without })
	case strong:
		strip(h, "If-None-Match", func(with, without string) string { return without + ", " + with })
	}
}

// strip changes the values of a field that have weak tags. The slice that was there is
// left as it is.
func strip(h http.Header, name string, change func(with, without string) string) {
	values := h[name]
	for i, v := range values {
		if strings.Contains(v, `W/"`) {
			values = slices.Clone(values)
			values[i] = change(v, strings.ReplaceAll(v, `W/"`, `"`))
		}
	}
	if values != nil {
		h[name] = values
	}
}
