package uwsgi

import (
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/standpipe/standpipe/bridge/listen"
)

// BenchmarkServe is one request on one connection, the client's part included.
func BenchmarkServe(b *testing.B) {
	ln, err := net.Listen("unix", filepath.Join(b.TempDir(), "s"))
	if err != nil {
		b.Fatal(err)
	}
	s := New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Content-Type"], h["Content-Length"] = []string{"text/plain"}, []string{"6"}
		io.WriteString(w, "hello\n")
	}), Options{HeaderTimeout: 10e9})
	group := listen.NewGroup(listen.Options{})
	done := make(chan error, 1)
	go func() { done <- group.Serve(ln, s) }()
	p := []byte(packet("QUERY_STRING=", "CONTENT_TYPE=", "CONTENT_LENGTH=", "REQUEST_URI=/", "DOCUMENT_ROOT=/srv", "REQUEST_SCHEME=http", "REMOTE_ADDR=127.0.0.1", "REMOTE_PORT=4711",
		"SERVER_PORT=80", "SERVER_NAME=shop.example", "HTTP_USER_AGENT=wrk", "HTTP_ACCEPT=*/*"))
	addr := ln.Addr().(*net.UnixAddr)
	buf := make([]byte, 4<<10)
	b.ReportAllocs()
	for b.Loop() {
		c, err := net.DialUnix("unix", nil, addr)
		if err != nil {
			b.Fatal(err)
		}
		c.Write(p)
		for {
			if _, err := c.Read(buf); err != nil {
				break
			}
		}
		c.Close()
	}
	group.Close()
	<-done
}
