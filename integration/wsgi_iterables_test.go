package integration

import (
	"bufio"
	"fmt"
	"net/http/httputil"
	"strings"
	"testing"
)

// places is what iterables.pattern makes: bytes that tell their place.
func places(size int) string {
	var b strings.Builder
	for i := range size / 16 {
		fmt.Fprintf(&b, "%015d\n", i)
	}
	return b.String()
}

func TestWSGIIterables(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")
	mega, small := places(1<<20), places(1<<16)
	for _, c := range []struct{ path, body, length string }{ // length "": any framing; "-": none sent
		{"as_list", "abc", ""},
		{"single", "single", "6"},
		{"as_tuple", "ab", ""},
		{"generator", "abc", "-"},
		{"len_one", "only one", "8"},
		{"getitem", "gi", ""},
		{"empty_list", "", ""},
		{"empty_generator", "", ""},
		{"empty_chunks", "ab", ""},
		{"list_empty_chunks", "ab", ""},
		{"wrapper_memory?id=", strings.Repeat("0123456789", 1000), ""},
		{"wrapper_file", mega, "1048576"},
		{"wrapper_offset", small[1600:], ""},
		{"wrapper_pipe", "through a pipe", ""},
		{"wrapper_read_only", "read only", ""},
		{"wrapper_type", "callable", "8"},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			t.Run(c.path+"/"+method, func(t *testing.T) {
				path, id := c.path, newID()
				if strings.HasSuffix(path, "id=") {
					path += id
				}
				w := dialWire(t, s.server)
				w.send(method + " /iter/" + path + " HTTP/1.1\r\nHost: a\r\n\r\n")
				a := w.recv(method)
				want := c.body
				if method == "HEAD" {
					want = ""
				}
				if a.Status != 200 || a.Body != want {
					t.Errorf("status %d, %d bytes %.60q; want %d bytes", a.Status, len(a.Body), a.Body, len(want))
				}
				length := a.field("Content-Length")
				if c.length == "-" && method == "GET" && length != "" || c.length != "" && c.length != "-" && length != c.length {
					t.Errorf("Content-Length %q, want %q", length, c.length)
				}
				w.usable()
				if path != c.path {
					s.closedOnce(t, id)
				}
			})
		}
	}

	t.Run("HTTP/1.0", func(t *testing.T) { // no chunked coding for a client that does not know it
		onlyOver(t, "HTTP/1.0", http1, https)
		w := dialWire(t, s.server)
		w.send("GET /iter/generator HTTP/1.0\r\n\r\n")
		if a := w.recv("GET"); a.Body != "abc" || a.field("Transfer-Encoding") != "" {
			t.Errorf("%+v", a)
		}
	})

	t.Run("wrong", func(t *testing.T) {
		for _, c := range []struct{ path, reason string }{
			{"as_str", "str"},
			{"str_in_list", "str"},
			{"str_in_generator", "str"},
			{"as_bytes", "bytes"},
			{"as_none", "None"},
			{"as_int", "int"},
			{"raise_before", "before the first chunk"},
		} {
			t.Run(c.path, func(t *testing.T) {
				if c.path == "as_bytes" {
					// Whether bytes are refused or sent as the obvious body is the server's choice; never as numbers.
					if a := s.ask(t, "/iter/as_bytes"); a.Status != 500 && (a.Status != 200 || a.Body != "bytes") {
						t.Errorf("status %d, body %q", a.Status, a.Body)
					}
					return
				}
				w := dialWire(t, s.server)
				w.send("GET /iter/" + c.path + " HTTP/1.1\r\nHost: a\r\n\r\n")
				if a := w.recv("GET"); a.Status != 500 {
					t.Errorf("status %d, body %q", a.Status, a.Body)
				}
				w.usable()
				r := s.waitLog(s.failureOf("/iter/"+c.path), "the failure of /iter/"+c.path)
				if text := r.str("error") + r.str("reason") + r.str("traceback"); !strings.Contains(text, c.reason) {
					t.Errorf("the record does not say %q: %v", c.reason, r)
				}
			})
		}
	})

	t.Run("cut", func(t *testing.T) {
		for _, path := range []string{"raise_after", "raise_after_length"} {
			a, err := s.exchange(t, "/iter/"+path)
			if err == nil {
				t.Errorf("%s: a broken answer looks whole: %+v", path, a)
			}
			if !strings.HasPrefix("first chunk", a.Body) {
				t.Errorf("%s: body %q", path, a.Body)
			}
			r := s.waitLog(s.failureOf("/iter/"+path), "the failure of "+path)
			if !strings.Contains(r.str("traceback"), "after the first chunk") {
				t.Errorf("%s: the record has no traceback: %v", path, r)
			}
		}
	})

	t.Run("big", func(t *testing.T) {
		sum := digest(places(5 << 20))
		for _, path := range []string{"big_one", "big_list", "big_generator", "big_write"} {
			a := s.ask(t, "/iter/"+path)
			if a.Status != 200 || len(a.Body) != 5<<20 || digest(a.Body) != sum {
				t.Errorf("%s: status %d, %d bytes", path, a.Status, len(a.Body))
			}
		}
	})

	// PEP 3333, "Buffering and Streaming": the client has a chunk before the app is asked for the next.
	t.Run("each chunk at once", func(t *testing.T) {
		for _, path := range []string{"gate", "gate_write", "gate_length"} {
			t.Run(path, func(t *testing.T) {
				gate := s.newGate()
				w := dialWire(t, s.server)
				version := "HTTP/1.0" // no chunks
				if s.over == h2 {
					version = "HTTP/1.1"
				}
				w.send("GET /iter/" + path + "?gate=" + gate + " " + version + "\r\nHost: a\r\n\r\n")
				a, err := w.head()
				if err != nil || a.Status != 200 {
					t.Fatalf("%+v, %v", a, err)
				}
				body := w.br
				if a.field("Transfer-Encoding") != "" {
					body = bufio.NewReader(httputil.NewChunkedReader(w.br))
				}
				first := make([]byte, 4)
				for i := range first {
					if first[i], err = body.ReadByte(); err != nil {
						t.Fatalf("the first chunk did not come while the gate was shut: %v", err)
					}
				}
				s.openGate(gate)
				second := make([]byte, 4)
				for i := range second {
					if second[i], err = body.ReadByte(); err != nil {
						t.Fatal(err)
					}
				}
				if string(first)+string(second) != "one\ntwo\n" {
					t.Errorf("got %q, %q", first, second)
				}
			})
		}
	})
}
