package h2

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// What a read of the body says of a client that leaves within it, and of one that breaks the protocol.
func TestBodyErrors(t *testing.T) {
	began, got := make(chan bool), make(chan error, 1)
	_, url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		began <- true
		_, err := io.ReadAll(r.Body)
		got <- err
	})
	for name, c := range map[string]struct {
		gone bool
		then func(c net.Conn, f *http2.Framer)
	}{
		"closes":         {true, func(c net.Conn, f *http2.Framer) { c.Close() }},
		"resets":         {true, func(c net.Conn, f *http2.Framer) { _ = f.WriteRSTStream(1, http2.ErrCodeCancel) }},
		"ends too early": {false, func(c net.Conn, f *http2.Framer) { _ = f.WriteData(1, true, nil) }},
	} {
		t.Run(name, func(t *testing.T) {
			for range 100 { // the connection's end and its context's are two things
				nc, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.WriteString(nc, http2.ClientPreface)
				f := http2.NewFramer(nc, nc)
				_ = f.WriteSettings()
				var block strings.Builder
				fields := hpack.NewEncoder(&block)
				for _, h := range []hpack.HeaderField{{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"}, {Name: ":authority", Value: "a"}, {Name: ":path", Value: "/"}, {Name: "content-length", Value: "1000"}} {
					_ = fields.WriteField(h)
				}
				_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte(block.String()), EndHeaders: true})
				_ = f.WriteData(1, false, []byte("x"))
				<-began
				c.then(nc, f)
				select {
				case err = <-got:
				case <-time.After(patience):
					t.Fatal("the read goes on")
				}
				nc.Close()
				if err == nil || errors.Is(err, httpx.ErrClientGone) != c.gone {
					t.Fatalf("%v", err)
				}
			}
		})
	}
}
