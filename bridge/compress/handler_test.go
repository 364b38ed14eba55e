package compress

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/standpipe/standpipe/bridge/httpx"
)

func decode(t *testing.T, coding string, r io.Reader) string {
	t.Helper()
	switch coding {
	case "br":
		r = brotli.NewReader(r)
	case "gzip":
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = z
	case "zstd":
		z, err := zstd.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		r = z
	}
	p, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}

func TestEncoder(t *testing.T) {
	for level := Quick; level <= Best; level++ {
		e := NewEncoder(level)
		for _, coding := range Codings {
			for range 2 { // the second time with a writer that was used before
				text := strings.Repeat("abcdefgh ", 5000)
				p, err := e.Encode(coding, []byte(text))
				if err != nil || len(p) > len(text)/10 {
					t.Fatalf("%s: %v, %d bytes", coding, err, len(p))
				}
				if decode(t, coding, bytes.NewReader(p)) != text {
					t.Errorf("%s: another text comes back", coding)
				}
			}
		}
	}
	if _, err := NewEncoder(Quick).Encode("deflate", nil); err == nil {
		t.Error("deflate")
	}
}

// serve has app answer through a Handler.
func serve(t *testing.T, app http.HandlerFunc) (*httptest.Server, *httpx.Writer) {
	t.Helper()
	rec := new(httpx.Writer)
	h := New(Options{Codings: Codings, Types: httpx.TypeList{"text/*", "application/json"}, MinSize: 100})(app)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec.Reset(w)
		h.ServeHTTP(rec, r)
		if rec.Aborted() {
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(srv.Close)
	return srv, rec
}

func fetch(t *testing.T, srv *httptest.Server, method string, fields ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(method, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		req.Header[fields[i]] = []string{fields[i+1]}
	}
	resp, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestAnswers(t *testing.T) {
	text := strings.Repeat("some text ", 100)
	for _, c := range []struct {
		name     string
		fields   map[string]string // of the answer, in any spelling
		status   int
		pressed  bool
		varies   bool
		wantETag string
	}{
		{"text", map[string]string{"content-type": "text/html", "Content-Length": "1000", "etag": `"x"`, "accept-ranges": "bytes"}, 200, true, true, `W/"x"`},
		{"without a length", map[string]string{"Content-Type": "application/json; charset=utf-8"}, 200, true, true, ""},
		{"weak already", map[string]string{"Content-Type": "text/css", "ETag": `W/"x"`}, 200, true, true, `W/"x"`},
		{"an error page", map[string]string{"Content-Type": "text/html"}, 500, true, true, ""},
		{"vary", map[string]string{"Content-Type": "text/html", "vary": "Cookie"}, 200, true, true, ""},
		{"another type", map[string]string{"Content-Type": "image/png", "ETag": `"x"`}, 200, false, false, `"x"`},
		{"no type", map[string]string{}, 200, false, false, ""},
		{"encoded", map[string]string{"Content-Type": "text/html", "content-encoding": "br"}, 200, false, false, ""},
		{"no-transform", map[string]string{"Content-Type": "text/html", "cache-control": "public, no-transform"}, 200, false, false, ""},
		{"a part", map[string]string{"Content-Type": "text/html", "Content-Range": "bytes 0-999/2000"}, 206, false, false, ""},
	} {
		for _, coding := range append(Codings, "") {
			srv, rec := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Content-Type"] = nil
				for k, v := range c.fields {
					w.Header()[k] = []string{v}
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, text)
			})
			resp := fetch(t, srv, "GET", "Accept-Encoding", coding)
			pressed := c.pressed && coding != ""
			got := resp.Header.Get("Content-Encoding")
			if pressed && got != coding || !pressed && got != c.fields["content-encoding"] {
				t.Errorf("%s, %q: Content-Encoding %q", c.name, coding, got)
			}
			if has := strings.Contains(strings.Join(resp.Header.Values("Vary"), ","), "Accept-Encoding"); has != c.varies {
				t.Errorf("%s, %q: Vary %q", c.name, coding, resp.Header.Values("Vary"))
			}
			if pressed && (resp.Header.Get("ETag") != c.wantETag || resp.Header.Get("Accept-Ranges") != "" || resp.Header.Get("Content-Length") == "1000") {
				t.Errorf("%s, %q: %v", c.name, coding, resp.Header)
			}
			raw, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			body := string(raw)
			if pressed {
				body = decode(t, coding, bytes.NewReader(raw))
			}
			if body != text {
				t.Errorf("%s, %q: %d bytes", c.name, coding, len(body))
			}
			srv.Close() // the handler has returned
			if rec.Bytes() != int64(len(raw)) {
				t.Errorf("%s, %q: %d bytes counted, %d sent", c.name, coding, rec.Bytes(), len(raw))
			}
		}
	}
}

func TestSmallAnswersAreLeftAlone(t *testing.T) {
	srv, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", "99")
		_, _ = io.WriteString(w, strings.Repeat("x", 99))
	})
	if resp := fetch(t, srv, "GET", "Accept-Encoding", "gzip"); resp.Header.Get("Content-Encoding") != "" || resp.ContentLength != 99 {
		t.Errorf("%v", resp.Header)
	}
}

func TestConditions(t *testing.T) {
	srv, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["ETag"] = []string{`"x"`}
		switch {
		case r.Header.Get("If-Match") == `"x", "y"`:
			w.WriteHeader(204)
		case r.Header.Get("If-Match") != "":
			w.WriteHeader(412)
		default:
			w.WriteHeader(304)
		}
	})
	resp := fetch(t, srv, "GET", "Accept-Encoding", "gzip", "If-None-Match", `W/"x"`)
	if resp.StatusCode != 304 || resp.Header.Get("Vary") != "Accept-Encoding" || resp.Header.Get("ETag") != `W/"x"` || resp.Header.Get("Content-Encoding") != "" {
		t.Errorf("304: %v", resp.Header)
	}
	if resp := fetch(t, srv, "GET", "Accept-Encoding", "gzip", "If-None-Match", `"x"`); resp.Header.Get("ETag") != `"x"` {
		t.Errorf("304 to who has the strong one: %v", resp.Header)
	}
	if resp := fetch(t, srv, "PUT", "If-Match", `W/"x", "y"`); resp.StatusCode != 204 {
		t.Errorf("If-Match: %d", resp.StatusCode)
	}
}

func TestHead(t *testing.T) {
	srv, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Length", "5000")
	})
	resp := fetch(t, srv, "HEAD", "Accept-Encoding", "gzip")
	if resp.ContentLength > 0 && resp.Header.Get("Content-Encoding") != "" {
		t.Errorf("the length of another body: %v", resp.Header)
	}
}

// What the app flushes can be read before the app goes on.
func TestFlushesAreKept(t *testing.T) {
	for _, coding := range Codings {
		next := make(chan struct{})
		srv, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for i := range 3 {
				fmt.Fprintf(w, "data: %d\n", i)
				if err := http.NewResponseController(w).Flush(); err != nil {
					t.Error(err)
				}
				<-next // the client has read it
			}
		})
		resp := fetch(t, srv, "GET", "Accept-Encoding", coding)
		var r io.Reader
		switch coding {
		case "br":
			r = brotli.NewReader(resp.Body)
		case "gzip":
			z, err := gzip.NewReader(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			r = z
		case "zstd":
			z, err := zstd.NewReader(resp.Body, zstd.WithDecoderConcurrency(1))
			if err != nil {
				t.Fatal(err)
			}
			defer z.Close()
			r = z
		}
		lines := bufio.NewReader(r)
		for i := range 3 {
			line, err := lines.ReadString('\n')
			if err != nil || line != fmt.Sprintf("data: %d\n", i) {
				t.Fatalf("%s: %q, %v", coding, line, err)
			}
			next <- struct{}{}
		}
		if _, err := lines.ReadString('\n'); err != io.EOF {
			t.Errorf("%s: end: %v", coding, err)
		}
	}
}

// An answer that is cut off has no end that a client would believe.
func TestCutOff(t *testing.T) {
	srv, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, strings.Repeat("x", 1000))
		_ = http.NewResponseController(w).Flush()
		httpx.Abort(w)
	})
	resp := fetch(t, srv, "GET", "Accept-Encoding", "gzip")
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("the answer looks whole")
	}
}
