package uwsgi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// appendHead appends a response's head (RFC 9112 4, 5): the status, Date unless the handler has
// set or suppressed it, and the fields, sorted by name as in net/http. Names that are not
// allowed in a head are left out.
func appendHead(b []byte, k *scratch, status int, reason string, h http.Header) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, reason...)
	b = append(b, "\r\n"...)
	if _, ok := h["Date"]; !ok {
		b = append(b, "Date: "...)
		b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
		b = append(b, "\r\n"...)
	}
	k.names = k.names[:0]
	for name := range h {
		if !ofConnection(name) && httpx.IsToken(name) {
			k.names = append(k.names, name)
		}
	}
	slices.Sort(k.names)
	for _, name := range k.names {
		for _, v := range h[name] {
			b = append(b, name...)
			b = append(b, ": "...)
			b = appendValue(b, v)
			b = append(b, "\r\n"...)
		}
	}
	return append(b, "\r\n"...)
}

// ofConnection reports whether a field is about the connection (RFC 9110 7.6.1), which here
// ends with the response.
func ofConnection(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Te", "Trailer":
		return true
	}
	return false
}

// appendValue writes a blank for each byte that would end the field; handlers have checked
// the fields of apps.
func appendValue(b []byte, v string) []byte {
	v = strings.Trim(v, " \t")
	from := len(b)
	b = append(b, v...)
	for i := from; i < len(b); i++ {
		if c := b[i]; c == '\r' || c == '\n' || c == 0 {
			b[i] = ' '
		}
	}
	return b
}
