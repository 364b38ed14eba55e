package static

import (
	"crypto/rand"
	"net/http"
	"strconv"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// apart reports whether no two spans share an octet. Overlapping ones serve nobody
// but who wants to have much sent for little (RFC 9110 17.15).
func apart(spans []httpx.Span) bool {
	for i, s := range spans {
		for _, o := range spans[:i] {
			if s.Start < o.Start+o.Length && o.Start < s.Start+s.Length {
				return false
			}
		}
	}
	return true
}

// sendSpans answers 206: one part as it is, more as multipart/byteranges (RFC 9110
// 14.6, 15.3.7).
func (a *answer) sendSpans(src *source, spans []httpx.Span) {
	fields := a.w.Header()
	if len(spans) == 1 {
		fields["Content-Range"] = []string{spans[0].ContentRange(a.f.size)}
		fields["Content-Length"] = []string{strconv.FormatInt(spans[0].Length, 10)}
		a.w.WriteHeader(http.StatusPartialContent)
		a.finish(src, a.copy(src, spans[0], true))
		return
	}
	boundary := rand.Text()
	kind := fields["Content-Type"][0]
	heads := make([]string, len(spans))
	end := "\r\n--" + boundary + "--\r\n"
	length := int64(len(end))
	for i, s := range spans {
		heads[i] = "\r\n--" + boundary + "\r\nContent-Type: " + kind + "\r\nContent-Range: " + s.ContentRange(a.f.size) + "\r\n\r\n"
		length += int64(len(heads[i])) + s.Length
	}
	fields["Content-Type"] = []string{"multipart/byteranges; boundary=" + boundary}
	fields["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	a.w.WriteHeader(http.StatusPartialContent)
	for i, s := range spans {
		_, err := a.w.WriteString(heads[i])
		if err == nil {
			err = a.copy(src, s, i == len(spans)-1)
		}
		if err != nil {
			a.finish(src, err)
			return
		}
	}
	_, err := a.w.WriteString(end)
	a.finish(src, err)
}
