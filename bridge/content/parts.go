package content

import (
	"crypto/rand"
	"io"
	"net/http"
	"strconv"
)

// WriteParts answers 206 with parts of a representation of size bytes whose media type is
// kind: one part as it is, more as multipart/byteranges (RFC 9110 14.6, 15.3.7). The other
// fields are set. send sends one part to w; last: nothing of the representation follows.
// An error is send's or w's, and the response is not whole then.
func WriteParts(w http.ResponseWriter, kind string, size int64, spans []Span, send func(s Span, last bool) error) error {
	h := w.Header()
	if len(spans) == 1 {
		h["Content-Range"] = []string{spans[0].ContentRange(size)}
		h["Content-Length"] = []string{strconv.FormatInt(spans[0].Length, 10)}
		w.WriteHeader(http.StatusPartialContent)
		return send(spans[0], true)
	}
	boundary := rand.Text()
	heads := make([]string, len(spans))
	end := "\r\n--" + boundary + "--\r\n"
	length := int64(len(end))
	for i, s := range spans {
		if i > 0 {
			heads[i] = "\r\n"
		}
		heads[i] += "--" + boundary + "\r\n"
		if kind != "" {
			heads[i] += "Content-Type: " + kind + "\r\n"
		}
		heads[i] += "Content-Range: " + s.ContentRange(size) + "\r\n\r\n"
		length += int64(len(heads[i])) + s.Length
	}
	h["Content-Type"] = []string{"multipart/byteranges; boundary=" + boundary}
	h["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	w.WriteHeader(http.StatusPartialContent)
	for i, s := range spans {
		if _, err := io.WriteString(w, heads[i]); err != nil {
			return clientGone(err)
		}
		if err := send(s, i == len(spans)-1); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, end)
	return clientGone(err)
}

// RefuseRanges sets the fields of a 416 (RFC 9110 15.5.17).
func RefuseRanges(h http.Header, size int64) {
	h["Content-Range"] = []string{"bytes */" + strconv.FormatInt(size, 10)}
	h["Content-Length"] = []string{"0"}
	h["Content-Type"] = nil
}
