package upstream

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// heard is a connection that has said what it has to say.
type heard struct {
	net.Conn
	from io.Reader
}

func (h heard) Read(p []byte) (int, error) { return h.from.Read(p) }
func (h heard) Close() error               { return nil }

// hear reads what a server has said to a request.
func hear(method, said string) (x *exchange1, body []byte, err error) {
	c := &conn1{Conn: heard{from: strings.NewReader(said)}, left: maxHead}
	c.br = bufio.NewReader(c)
	x = &exchange1{t: &http1{}, c: c, req: &Request{Ending: &Ending{}, Method: method}}
	s, err := c.readHead()
	if err != nil {
		return x, nil, err
	}
	if err := x.head.parse(s, nil); err != nil {
		return x, nil, err
	}
	if x.c.left = 1 << 40; !x.head.hasBody(method) || x.head.length == 0 {
		return x, nil, nil
	}
	x.body.begin(x, &x.head)
	body, err = io.ReadAll(&x.body)
	return x, body, err
}

// What a head says, and what is no head.
func TestHeadsOfResponses(t *testing.T) {
	t.Parallel()
	fields := func(pairs ...string) (list []httpx.Field) {
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, httpx.Field{Name: pairs[i], Value: pairs[i+1]})
		}
		return list
	}
	for said, want := range map[string]head{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-my-odd-NAME:\t a b \t\r\nEmpty:\r\n\r\n": {status: 200, phrase: "OK", length: 5, fields: fields("X-my-odd-NAME", "a b", "Empty", "")},
		"HTTP/1.1 204\r\n\r\n":  {status: 204, length: -1},
		"HTTP/1.1 599 \r\n\r\n": {status: 599, length: -1},
		"HTTP/1.1 200 Sehr gut\r\nTRANSFER-encoding: Chunked\r\nTrailer: A\r\nTrailer: B, Host\r\n\r\n": {status: 200, phrase: "Sehr gut", length: -1, chunked: true, trailer: "A,B, Host"},
		"HTTP/1.1 200 OK\nA: b\n\n":                                          {status: 200, phrase: "OK", length: -1, fields: fields("A", "b")},
		"HTTP/1.1 200 OK\r\nA : b\r\n\r\n":                                   {status: 200, phrase: "OK", length: -1, fields: fields("A", "b")},
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\ncontent-length: 3\r\n\r\n":  {status: 200, phrase: "OK", length: 3},
		"HTTP/1.1 200 OK\r\nConnection: a, CLOSE\r\n\r\n":                    {status: 200, phrase: "OK", length: -1, last: true, fields: fields("Connection", "a, CLOSE")},
		"HTTP/1.0 200 OK\r\n\r\n":                                            {status: 200, phrase: "OK", length: -1, old: true, last: true},
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n":                  {status: 200, phrase: "OK", length: -1, old: true, stays: true, fields: fields("Connection", "keep-alive")},
		"HTTP/1.1 200 OK\r\nConnection: cloſe\r\nX: \xff\r\n\r\n":            {status: 200, phrase: "OK", length: -1, fields: fields("Connection", "cloſe", "X", "\xff")},
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100_000) + "\r\n\r\n": {status: 200, phrase: "OK", length: -1, fields: fields("X", strings.Repeat("x", 100_000))},
	} {
		x, _, err := hear("HEAD", said)
		if err != nil || !reflect.DeepEqual(x.head, want) && (len(x.head.fields)+len(want.fields) > 0 || x.head.status != want.status) {
			t.Errorf("%.80q: %.300v %v", said, x.head, err)
		}
	}
	for said, want := range map[string]error{
		"":                                                                  io.ErrUnexpectedEOF,
		"HTTP/1.1 200 OK\r\nA: b\r\n":                                       io.ErrUnexpectedEOF,
		"HTTP/2.0 200 OK\r\n\r\n":                                           errStatusLine,
		"HTTP/1.1 20 OK\r\n\r\n":                                            errStatusLine,
		"HTTP/1.1 2000\r\n\r\n":                                             errStatusLine,
		"HTTP/1.1  200 OK\r\n\r\n":                                          errStatusLine,
		"HTTP/1.1 200 O\rK\r\n\r\n":                                         errStatusLine,
		"\r\nHTTP/1.1 200 OK\r\n\r\n":                                       errStatusLine,
		"hello\r\n\r\n":                                                     errStatusLine,
		"HTTP/1.1 200 OK\r\n A: b\r\n\r\n":                                  errFolded,
		"HTTP/1.1 200 OK\r\nA: b\r\n\tc\r\n\r\n":                            errFolded,
		"HTTP/1.1 200 OK\r\nA\r\n\r\n":                                      errName,
		"HTTP/1.1 200 OK\r\n: b\r\n\r\n":                                    errName,
		"HTTP/1.1 200 OK\r\nA b: c\r\n\r\n":                                 errName,
		"HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n":                             errValue,
		"HTTP/1.1 200 OK\r\nA: b\x00\r\n\r\n":                               errValue,
		"HTTP/1.1 200 OK\r\nA: b\r\r\n\r\n":                                 errValue,
		"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n":                     errLengths,
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n":                        errLengths,
		"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n":                   errLengths,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n": errLengths,
		"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\n":    errLengths,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n":                         errFraming,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n":                         errFraming,
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n":                                              errFraming,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n":                                        errCoding,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chun\u212aed\r\n\r\n":                                         errCoding,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n":                errCoding,
		"HTTP/1.1 200 OK\r\n" + strings.Repeat("a:\r\n", maxFields+1) + "\r\n":                               errManyFields,
		"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", maxHead) + "\r\n\r\n":                                 errHead,
		"HTTP/1.1 200 OK\r\n" + strings.Repeat("A: "+strings.Repeat("x", 1000)+"\r\n", 300) + "\r\n":         errHead,
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc":                                                    io.ErrUnexpectedEOF,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n":                                  io.ErrUnexpectedEOF,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n":                             io.ErrUnexpectedEOF,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n":                errTrailerName,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\rc\r\n\r\n":                          errValue,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("a:\r\n", maxFields+1): errManyFields,
	} {
		if _, body, err := hear("GET", said); !errors.Is(err, want) {
			t.Errorf("%.80q: %q %v, not %v", said, body, err, want)
		}
	}
}

// Trailers come with the end of a chunked body.
func TestTrailers(t *testing.T) {
	t.Parallel()
	x, body, err := hear("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A, x-b, Content-Length\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\na: 1\r\na: 2\r\nX-c: 3\r\n\r\nrest")
	if err != nil || string(body) != "abcde" || !reflect.DeepEqual(x.body.trailer, http.Header{"A": {"1", "2"}, "X-B": nil, "X-C": {"3"}}) {
		t.Errorf("%q %v %v", body, x.body.trailer, err)
	}
	if rest, _ := x.c.br.Peek(4); string(rest) != "rest" || !x.body.reuse {
		t.Errorf("%q", rest)
	}
}

var spaced = regexp.MustCompile(`[ \t]:`)

// same compares a response with what net/http reads from the same bytes; net/http takes more than the grammar allows, so only
// what both take is compared.
func same(t *testing.T, method, said string) {
	t.Helper()
	x, body, err := hear(method, said)
	h := &x.head
	for _, f := range h.fields {
		if !httpx.IsToken(f.Name) || !httpx.ValidValue(f.Value) {
			t.Fatalf("%q: the field %q is %q", said, f.Name, f.Value)
		}
	}
	if h.status < 200 {
		return
	}
	resp, failed := http.ReadResponse(bufio.NewReader(strings.NewReader(said)), &http.Request{Method: method})
	if _, ours := err.(headError); failed != nil || ours || spaced.MatchString(said) { // what a blank in front of the colon means
		return
	}
	theirs, failed := io.ReadAll(resp.Body)
	if (err == nil) != (failed == nil) && (err != nil || strings.Contains(said, "\n0")) { // trailers are read more strictly
		if err == nil && !strings.Contains(failed.Error(), "trailer") { // whose lines may end with LF alone (RFC 9112 2.2)
			t.Fatalf("%q: %q, where net/http fails with %v", said, body, failed)
		}
		return
	}
	if resp.StatusCode != h.status || resp.Close != h.last && (h.chunked || h.length >= 0) || !bytes.Equal(body, theirs) {
		t.Fatalf("%q: %d %v %q, not %d %v %q", said, h.status, h.last, body, resp.StatusCode, resp.Close, theirs)
	}
	want := resp.Header.Clone()
	if want["Pragma"] != nil { // net/http adds one
		delete(want, "Cache-Control")
	}
	got := Header(h.fields)
	for _, m := range []http.Header{want, got} {
		for _, name := range []string{"Content-Length", "Transfer-Encoding", "Trailer", "Host", "Connection"} {
			delete(m, name)
		}
		if want["Pragma"] != nil {
			delete(m, "Cache-Control")
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: %q, not %q", said, got, want)
	}
}

var saidByServers = []string{
	"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sun, 29 Nov 2026 22:10:26 GMT\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
	"HTTP/1.1 404 Not Found\r\nSet-Cookie: a=b\r\nset-cookie: c=d\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
	"HTTP/1.0 200 OK\r\nPragma: no-cache\r\n\r\nuntil the end",
	"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 3\r\n\r\nabcdef",
	"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 100\r\n\r\n",
	"HTTP/1.1 204 No Content\r\n\r\n",
	"HTTP/1.1 200 OK\r\nX-my-odd-NAME: 1\r\nConnection: close\r\n\r\nx",
	"HTTP/1.1 200\nContent-Length: 1\n\nx",
	"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
}

func TestResponsesAsNetHTTPReadsThem(t *testing.T) {
	t.Parallel()
	for _, said := range saidByServers {
		same(t, "GET", said)
		same(t, "HEAD", said)
	}
}

// Whatever a server says: no control byte reaches a client, and what net/http takes too means the same.
func FuzzResponse(f *testing.F) {
	for _, said := range saidByServers {
		f.Add(said, false)
		f.Add(said, true)
	}
	f.Add("HTTP/1.1 200 \nTransfer-Encoding:Chunked\n\n0\r\n\n", false)
	f.Add("HTTP/1.1 200 \nTransfer-Encoding:Chunked\n\n0\r\nA: b\n\r\n", false)
	f.Fuzz(func(t *testing.T, said string, head bool) {
		method := "GET"
		if head {
			method = "HEAD"
		}
		same(t, method, said)
	})
}
