package nethttp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Ready lines are in the head of the answer that they were made for, once, and in no
// other; whatever comes before or after them, and however large it is.
func TestReadyLines(t *testing.T) {
	const lines = "X-Ready: 1\r\nX-Made: once\r\n"
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		size, _ := strconv.Atoi(q.Get("size"))
		status, _ := strconv.Atoi(q.Get("status"))
		if q.Get("early") != "" {
			w.Header()["Link"] = []string{"</a.css>"}
			w.WriteHeader(http.StatusEarlyHints)
		}
		if q.Get("wide") != "" { // a head that does not fit into the buffer
			w.Header()["X-Wide"] = []string{strings.Repeat("w", 6000)}
		}
		if r.URL.Path == "/ready" && !httpx.Find(w).UseLines([]byte(lines)) {
			t.Error("not taken")
		}
		w.Header()["Content-Length"] = []string{strconv.Itoa(size)}
		if status == http.StatusNotModified {
			delete(w.Header(), "Content-Length")
		}
		w.WriteHeader(status)
		if r.Method != http.MethodHead && status != http.StatusNotModified {
			_, _ = io.WriteString(w, strings.Repeat("HTTP/1.1 200 OK\r\n", size/17+1)[:size])
		}
	}, nil)
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	in := bufio.NewReader(c)
	ask := func(method, path, query string) {
		t.Helper()
		fmt.Fprintf(c, "%s %s?%s HTTP/1.1\r\nHost: h\r\n\r\n", method, path, query)
		resp, err := http.ReadResponse(in, &http.Request{Method: method})
		for err == nil && resp.StatusCode == http.StatusEarlyHints {
			if resp.Header["X-Ready"] != nil {
				t.Errorf("%s: in the 103", query)
			}
			resp, err = http.ReadResponse(in, &http.Request{Method: method})
		}
		if err != nil {
			t.Fatal(path, query, err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || method != http.MethodHead && resp.ContentLength >= 0 && int64(len(body)) != resp.ContentLength {
			t.Errorf("%s %s: %d bytes, %v", path, query, len(body), err)
		}
		for name, want := range map[string]string{"X-Ready": "1", "X-Made": "once", "Server": "standpipe"} {
			if path != "/ready" && name != "Server" {
				if resp.Header[name] != nil {
					t.Errorf("%s %s: %s from another answer", path, query, name)
				}
			} else if got := resp.Header[name]; len(got) != 1 || got[0] != want {
				t.Errorf("%s %s: %s is %q", path, query, name, got)
			}
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for _, more := range []string{"", "&early=1", "&wide=1", "&early=1&wide=1"} {
			for _, size := range []int{0, 17, 1000, 2100, 3800, 4096, 6000, 10000, 100000} {
				ask(method, "/ready", fmt.Sprintf("status=200&size=%d%s", size, more))
				ask(method, "/other", fmt.Sprintf("status=200&size=%d%s", size, more))
			}
			ask(method, "/ready", "status=304"+more)
			ask(method, "/other", "status=304"+more)
		}
	}
}

// A handler that dies after it has said what is ready is answered without it.
func TestReadyLinesOfPanic(t *testing.T) {
	f := newFront(t, func(w http.ResponseWriter, r *http.Request) {
		httpx.Find(w).UseLines([]byte("X-Ready: 1\r\n"))
		panic("early")
	}, nil)
	if got := f.raw("GET / HTTP/1.1\r\nHost: h\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 500 ") || strings.Contains(got, "X-Ready") {
		t.Errorf("%q", got)
	}
}
