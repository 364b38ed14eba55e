package wsgi

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
)

// reply is one canned answer; parts beyond the first go in frames of their own.
type reply struct {
	status string
	fields []string
	parts  []string // none: an empty body in the Head frame
}

func (c reply) send(r *shimtest.Request, p *shimtest.Peer) {
	r.ReadAll()
	if len(c.parts) == 0 {
		_ = p.Answer(r.Stream, c.status, "", c.fields...)
		return
	}
	if len(c.parts) == 1 {
		_ = p.Answer(r.Stream, c.status, c.parts[0], c.fields...)
		return
	}
	_ = p.Head(r.Stream, c.status, c.parts[0], false, c.fields...)
	for i, part := range c.parts[1:] {
		_ = p.Body(r.Stream, part, i == len(c.parts)-2)
	}
}

func replyRig(t *testing.T, replies map[string]reply) *rig {
	return newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		if c, ok := replies[r.Vars["PATH_INFO"]]; ok {
			c.send(r, p)
		} else {
			hello(r, p)
		}
	}, nil)
}

func TestBadResponses(t *testing.T) {
	replies := map[string]reply{}
	for i, c := range []reply{
		{"", nil, nil}, {"20", nil, nil}, {"abc", nil, nil}, {"2000 OK", nil, nil}, {"200OK", nil, nil}, {" 200 OK", nil, nil},
		{"99 Low", nil, nil}, {"100 Continue", nil, nil}, {"101 Switching", nil, nil}, {"199 x", nil, nil}, {"600 x", nil, nil}, {"1000 x", nil, nil},
		{"200 OK\r\nX-Evil: 1", nil, nil}, {"200 O\nK", nil, nil}, {"200 \x00", nil, nil}, {"+20 OK", nil, nil}, {"200\tOK", nil, nil},
		{"200 OK", []string{"", "v"}, nil}, {"200 OK", []string{"X Y", "v"}, nil}, {"200 OK", []string{"X:", "v"}, nil}, {"200 OK", []string{"X\r\nEvil", "v"}, nil},
		{"200 OK", []string{"X\xe9", "v"}, nil}, {"200 OK", []string{"X(y)", "v"}, nil},
		{"200 OK", []string{"X-A", "a\r\nX-Evil: 1"}, nil}, {"200 OK", []string{"X-A", "a\nb"}, nil}, {"200 OK", []string{"X-A", "a\rb"}, nil},
		{"200 OK", []string{"X-A", "a\x00b"}, nil}, {"200 OK", []string{"X-A", "a\x1bb"}, nil}, {"200 OK", []string{"X-A", "\x7f"}, nil},
		{"200 OK", []string{"Content-Length", "+1"}, []string{"x"}}, {"200 OK", []string{"Content-Length", "-1"}, []string{"x"}},
		{"200 OK", []string{"Content-Length", "1 "}, []string{"x"}}, {"200 OK", []string{"Content-Length", "0x1"}, []string{"x"}},
		{"200 OK", []string{"Content-Length", ""}, []string{"x"}}, {"200 OK", []string{"Content-Length", "1, 1"}, []string{"x"}},
		{"200 OK", []string{"Content-Length", "99999999999999999999"}, []string{"x"}}, {"200 OK", []string{"Content-Length", "1_0"}, []string{"x"}},
		{"200 OK", []string{"Content-Length", "1", "content-length", "2"}, []string{"x"}},
	} {
		c.fields = append([]string{"Set-Cookie", "secret=1"}, c.fields...)
		replies[fmt.Sprintf("/%d", i)] = c
	}
	g := replyRig(t, replies)
	n := 0
	for path, c := range replies {
		// The connection is used again: a broken answer does not cost it.
		conn := g.dial()
		_, _ = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: h\r\n\r\nGET /ok HTTP/1.1\r\nHost: h\r\n\r\n")
		br := bufio.NewReader(conn)
		a := g.read("GET", br)
		if a.status != 500 || strings.Contains(a.head, "Evil") || strings.Contains(a.head, "secret") || a.err != nil {
			t.Errorf("%q %q: %s", c.status, c.fields, a.head)
		}
		if a := g.read("GET", br); a.body != "GET /ok 0 " {
			t.Errorf("%q %q: the next answer is %s%s", c.status, c.fields, a.head, a.body)
		}
		n++
		if g.logs.count("bad_response") != n || !strings.Contains(g.logs.String(), `"target":"`+path+`"`) {
			t.Errorf("%q %q: log: %s", c.status, c.fields, g.logs)
		}
		conn.Close()
	}
}

func TestFieldsAreTheApps(t *testing.T) {
	g := replyRig(t, map[string]reply{
		"/": {"200 OK", []string{"X-lower", "1", "x-UPPER", "2", "Set-Cookie", "a=1", "set-cookie", "b=2", "Set-Cookie", "c=3", "X-Latin", "caf\xe9", "X-Tab", "a\tb",
			"date", "yesterday", "server", "mine", "content-type", "text/x", "x-request-id", "own", "X-Empty", ""}, []string{"hello"}},
		"/canonical": {"200 OK", []string{"Date", "yesterday", "Server", "mine", "Content-Type", "text/x", "X-Request-Id", "own"}, []string{"hello"}},
		"/none":      {"200", nil, []string{"<html>"}},
		"/odd":       {"299 ", nil, []string{"x"}},
	})
	a := g.get("/")
	for _, line := range []string{"X-lower: 1", "x-UPPER: 2", "Set-Cookie: a=1\r\nset-cookie: b=2\r\nSet-Cookie: c=3", "X-Latin: caf\xe9", "X-Tab: a\tb", "date: yesterday",
		"server: mine", "content-type: text/x", "x-request-id: own", "X-Empty: \r\n", "Content-Length: 5"} {
		if !strings.Contains(a.head, line) {
			t.Errorf("%q is missing in\n%s", line, a.head)
		}
	}
	for _, path := range []string{"/", "/canonical"} {
		low := strings.ToLower(g.get(path).head)
		for _, name := range []string{"\r\ndate:", "\r\nserver:", "\r\ncontent-type:", "\r\nx-request-id:", "\r\ncontent-length:"} {
			if strings.Count(low, name) != 1 {
				t.Errorf("%s: %q comes %d times in\n%s", path, name, strings.Count(low, name), low)
			}
		}
	}
	if a := g.get("/none"); strings.Contains(strings.ToLower(a.head), "content-type") || a.status != 200 {
		t.Errorf("a type was invented:\n%s", a.head)
	}
	if a := g.get("/odd"); a.status != 299 {
		t.Errorf("%s", a.head)
	}
}

func TestHopByHopFieldsAreRemovedAndSaidOnce(t *testing.T) {
	names := []string{"Connection", "keep-alive", "Transfer-Encoding", "Upgrade", "TE", "Trailer", "Proxy-Authenticate", "Proxy-Authorization", "proxy-connection"}
	var fields []string
	for _, n := range names {
		fields = append(fields, n, "close, chunked")
	}
	g := replyRig(t, map[string]reply{"/": {"200 OK", append(fields, "X-A", "1"), []string{"hello"}}})
	for range 3 {
		conn := g.dial()
		br := bufio.NewReader(conn)
		for range 2 { // the app's "Connection: close" does not close
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
			a := g.read("GET", br)
			if a.body != "hello" || a.header.Get("X-A") != "1" {
				t.Fatalf("%s%s", a.head, a.body)
			}
			for _, n := range names {
				if strings.Contains(strings.ToLower(a.head), "\r\n"+strings.ToLower(n)+":") {
					t.Errorf("%s is there:\n%s", n, a.head)
				}
			}
		}
	}
	if n := g.logs.count("hop_by_hop_removed"); n != len(names) {
		t.Errorf("%d warnings for %d names:\n%s", n, len(names), g.logs)
	}
}

func TestLengths(t *testing.T) {
	cl := func(n string) []string { return []string{"Content-Length", n} }
	replies := map[string]reply{
		"/whole":       {"200 OK", nil, []string{"hello"}},
		"/empty":       {"200 OK", nil, nil},
		"/stream":      {"200 OK", nil, []string{"he", "llo"}},
		"/emptystream": {"200 OK", nil, []string{"", ""}},
		"/given":       {"200 OK", cl("5"), []string{"he", "llo"}},
		"/lower":       {"200 OK", []string{"content-length", "5", "Content-length", "05"}, []string{"hello"}},
		"/long":        {"200 OK", cl("3"), []string{"hello"}},
		"/longstream":  {"200 OK", cl("3"), []string{"he", "llo", "more"}},
		"/long0":       {"200 OK", cl("0"), []string{"hello"}},
		"/short":       {"200 OK", cl("9"), []string{"hello"}},
		"/shortstream": {"200 OK", cl("9"), []string{"he", "llo"}},
		"/shortempty":  {"200 OK", cl("9"), nil},
	}
	g := replyRig(t, replies)
	mismatches := 0
	for _, c := range []struct{ path, length, body string }{
		{"/whole", "5", "hello"}, {"/empty", "0", ""}, {"/stream", "", "hello"}, {"/emptystream", "0", ""}, {"/given", "5", "hello"}, {"/lower", "5", "hello"},
		{"/long", "3", "hel"}, {"/longstream", "3", "hel"}, {"/long0", "0", ""},
		{"/short", "9", "hello"}, {"/shortstream", "9", "hello"}, {"/shortempty", "9", ""},
	} {
		conn := g.dial()
		_, _ = io.WriteString(conn, "GET "+c.path+" HTTP/1.1\r\nHost: h\r\n\r\nGET /ok HTTP/1.1\r\nHost: h\r\n\r\n")
		br := bufio.NewReader(conn)
		a := g.read("GET", br)
		short := strings.HasPrefix(c.path, "/short")
		if a.status != 200 || a.header.Get("Content-Length") != c.length || a.body != c.body || (a.err != nil) != short {
			t.Errorf("%s: %s%q %v", c.path, a.head, a.body, a.err)
		}
		if strings.Count(strings.ToLower(a.head), "content-length") > 1 {
			t.Errorf("%s: %s", c.path, a.head)
		}
		if !short {
			if a := g.read("GET", br); a.body != "GET /ok 0 " {
				t.Errorf("%s: the next answer is %s%s", c.path, a.head, a.body)
			}
		}
		if short || strings.HasPrefix(c.path, "/long") {
			mismatches++
		}
		if n := g.logs.count("content_length_mismatch"); n != mismatches {
			t.Errorf("%s: %d records, want %d", c.path, n, mismatches)
		}
		conn.Close()
	}
}

func TestAnswersWithoutBody(t *testing.T) {
	replies := map[string]reply{}
	for _, status := range []string{"200 OK", "204 No Content", "304 Not Modified"} {
		for name, c := range map[string]reply{
			"cl":        {status, []string{"Content-Length", "5", "ETag", "x", "Content-Type", "text/x"}, []string{"hello"}},
			"clempty":   {status, []string{"Content-Length", "5"}, nil},
			"list":      {status, nil, []string{"hello"}},
			"empty":     {status, nil, nil},
			"generator": {status, nil, []string{"he", "llo"}},
			"long":      {status, []string{"Content-Length", "3"}, []string{"he", "llo"}},
		} {
			replies["/"+status[:3]+name] = c
		}
	}
	g := replyRig(t, replies)
	for path := range replies {
		for _, method := range []string{"GET", "HEAD"} {
			if method == "GET" && strings.HasPrefix(path, "/200") {
				continue
			}
			conn := g.dial()
			_, _ = io.WriteString(conn, method+" "+path+" HTTP/1.1\r\nHost: h\r\n\r\nGET /ok HTTP/1.1\r\nHost: h\r\n\r\n")
			br := bufio.NewReader(conn)
			a := g.read(method, br)
			if fmt.Sprint(a.status) != path[1:4] || a.body != "" || strings.Contains(a.head, "chunked") {
				t.Errorf("%s %s: %s%q", method, path, a.head, a.body)
			}
			want := map[string]string{"cl": "5", "clempty": "5", "long": "3", "list": "", "empty": "", "generator": ""}[path[4:]]
			if path[1:4] == "204" {
				want = ""
			} else if path == "/200list" {
				want = "5" // a HEAD whose body is known
			}
			if got := a.header.Get("Content-Length"); got != want {
				t.Errorf("%s %s: Content-Length %q, want %q", method, path, got, want)
			}
			if path == "/304cl" && (a.header.Get("Etag") != "x" || a.header.Get("Content-Type") != "text/x") {
				t.Errorf("%s", a.head)
			}
			if a := g.read("GET", br); a.body != "GET /ok 0 " {
				t.Errorf("%s %s: the next answer is %s%s", method, path, a.head, a.body)
			}
			conn.Close()
		}
	}
}

func TestChunksGoOutAsTheyCome(t *testing.T) {
	step := make(chan string)
	g := newRig(t, func(r *shimtest.Request, p *shimtest.Peer) {
		_ = p.Head(r.Stream, "200 OK", <-step, false, "Content-Type", "text/event-stream")
		for part := range step {
			_ = p.Body(r.Stream, part, false)
		}
		_ = p.Body(r.Stream, "", true)
	}, nil)
	conn := g.dial()
	_, _ = io.WriteString(conn, "GET / HTTP/1.0\r\nHost: h\r\n\r\n") // 1.0: no chunk borders in the way
	br := bufio.NewReader(conn)
	for i, part := range []string{"one\n", "two\n", "three\n"} {
		step <- part
		for {
			line, err := br.ReadString('\n') // the next part is not made before this one is here
			if err != nil {
				t.Fatal(err)
			}
			if i > 0 && line != part {
				t.Fatalf("%q, want %q", line, part)
			}
			if line == part {
				break
			}
		}
	}
	close(step)
	if rest, err := io.ReadAll(br); len(rest) != 0 || err != nil {
		t.Errorf("%q %v", rest, err)
	}
}

func FuzzCheckHead(f *testing.F) {
	f.Add("200 OK", "Content-Length", "5")
	f.Add("299", "X\r\nY", "a\nb")
	f.Fuzz(func(t *testing.T, status, name, value string) {
		h, err := checkHead(&wire.Head{Status: status, Fields: []wire.Field{{Name: name, Value: value}}})
		if err != nil {
			return
		}
		if h.status < 200 || h.status > 599 || h.length < -1 || name == "" {
			t.Fatalf("%+v", h)
		}
		for _, s := range []string{status, name, value} {
			if slices.ContainsFunc([]byte(s), func(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
				t.Fatalf("%q went through", s)
			}
		}
	})
}
