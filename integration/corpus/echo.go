package corpus

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// MaxBody is the largest body that a server under test takes, in bytes; more is answered 413.
const MaxBody = 64 << 10

// Echo is what a handler saw of a request. Its strings have one rune for each byte of the request (latin-1), so that
// JSON carries them.
type Echo struct {
	Method string            `json:"method"`
	Target string            `json:"target"`
	Host   string            `json:"host"`
	Proto  string            `json:"proto"`
	Fields map[string]string `json:"fields"` // lower-case names; the values of one name are joined by ", "
	Body   string            `json:"body"`   // Brief of it
}

// Brief is a body, or the length and the checksum of one that is longer than 256 bytes.
func Brief(body string) string {
	if len(body) <= 256 {
		return body
	}
	return fmt.Sprintf("%d bytes, crc32 %08x", len(body), crc32.ChecksumIEEE([]byte(body)))
}

func latin1(bytes string) string {
	runes := make([]rune, len(bytes))
	for i := range len(bytes) {
		runes[i] = rune(bytes[i])
	}
	return string(runes)
}

func (e *Echo) decode(answer []byte) error {
	if err := json.Unmarshal(answer, e); err != nil {
		return err
	}
	bytes := func(s string) string {
		var b []byte
		for _, r := range s {
			b = append(b, byte(r))
		}
		return string(b)
	}
	for _, s := range []*string{&e.Method, &e.Target, &e.Host, &e.Proto, &e.Body} {
		*s = bytes(*s)
	}
	for name, value := range e.Fields {
		e.Fields[name] = bytes(value)
	}
	return nil
}

// Handler answers with an Echo. It calls seen, when that is not nil, with each request before it reads the body.
//
// A target that begins with /unread is answered without a look at the body. CONNECT is answered 405 and the end of the
// connection, since the bytes after it may be no HTTP. A body that cannot be read is answered with refusal(err), and the
// connection ends.
func Handler(seen func(*http.Request), refusal func(error) int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if seen != nil {
			seen(r)
		}
		refuse := func(status int) {
			w.Header().Set("Connection", "close")
			http.Error(w, "refused", status)
		}
		if r.Method == http.MethodConnect {
			refuse(http.StatusMethodNotAllowed)
			return
		}
		e := Echo{Method: r.Method, Target: latin1(r.RequestURI), Host: latin1(r.Host), Proto: r.Proto, Fields: map[string]string{}}
		for name, values := range r.Header {
			e.Fields[latin1(strings.ToLower(name))] = latin1(strings.Join(values, ", "))
		}
		if !strings.HasPrefix(r.RequestURI, "/unread") {
			if r.ContentLength > MaxBody {
				refuse(http.StatusRequestEntityTooLarge)
				return
			}
			body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
			switch {
			case err != nil:
				refuse(refusal(err))
				return
			case len(body) > MaxBody:
				refuse(http.StatusRequestEntityTooLarge)
				return
			}
			e.Body = latin1(Brief(string(body)))
		}
		text, err := json.Marshal(e)
		if err != nil {
			panic(err)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		if r.Method != http.MethodHead {
			_, _ = w.Write(text)
		}
	})
}

// App is a Python module whose app answers with an Echo. It appends the target of each request to the file that the
// variable SEEN names.
const App = `
import json
import os
import zlib


def app(environ, start_response):
    if os.environ.get("SEEN"):
        with open(os.environ["SEEN"], "a") as seen:
            seen.write(environ["RAW_URI"] + "\n")
    body = environ["wsgi.input"].read() if not environ["RAW_URI"].startswith("/unread") else b""
    if len(body) > 256:
        body = ("%d bytes, crc32 %08x" % (len(body), zlib.crc32(body))).encode()
    fields = {k[5:].lower().replace("_", "-"): v for k, v in environ.items() if k.startswith("HTTP_")}
    answer = {"method": environ["REQUEST_METHOD"], "target": environ["RAW_URI"], "host": environ.get("HTTP_HOST", ""),
              "proto": environ["SERVER_PROTOCOL"], "fields": fields, "body": body.decode("latin-1")}
    text = json.dumps(answer).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [text]
`
