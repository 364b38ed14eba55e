package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/bridge/upstream"
)

// slow asks for path and reads nothing.
func (g *rig) slow(path string) net.Conn {
	g.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { c.Close() })
	_ = c.(*net.TCPConn).SetReadBuffer(64 << 10)
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path)
	return c
}

const long = 16 << 20 // bytes; the sockets hold less

// responding is an upstream of responses of long bytes, with a trailer. /cut stops within it; /straight asks for no buffer.
func responding(t *testing.T) (m *upstream.Member, ended chan string) {
	ended = make(chan string, 8)
	part := bytes.Repeat([]byte("0123456789abcdef"), 4<<10)
	return serving(t, func(w http.ResponseWriter, r *http.Request) {
		defer func() { ended <- r.URL.Path }()
		w.Header().Set("Trailer", "X-End")
		if r.URL.Path == "/straight" {
			w.Header().Set("X-Accel-Buffering", "no")
		}
		for i := range long / len(part) {
			if _, err := w.Write(part); err != nil {
				return
			}
			if r.URL.Path == "/cut" && i == long/len(part)/2 {
				panic(http.ErrAbortHandler)
			}
		}
		w.Header().Set("X-End", "yes")
	}), ended
}

// running is how many requests the only upstream of a group has.
func running(g *upstream.Group) int64 { return g.Infos(time.Now())[0].InFlight }

func TestSlowClientsHoldNoUpstream(t *testing.T) {
	t.Parallel()
	up, ended := responding(t)
	all := group(up)
	pipes := &spool.Pipes{Spool: &spool.Spool{Dir: t.TempDir()}, Memory: 128 << 10}
	g := newRig(t, Options{Group: all, ReadTimeout: 10 * time.Second, Answers: pipes})
	c := g.slow("/")
	<-ended // before a byte is read
	bridgetest.Until(t, "the upstream has no request", func() bool { return running(all) == 0 })
	if n := pipes.InMemory(); n > 128<<10 {
		t.Errorf("%d bytes of memory", n)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil || len(b) != long || !bytes.Equal(b, bytes.Repeat([]byte("0123456789abcdef"), long/16)) || resp.Trailer.Get("X-End") != "yes" {
		t.Errorf("%d bytes, %v, %v", len(b), err, resp.Trailer)
	}
	bridgetest.Until(t, "no file is left", func() bool { return pipes.Files.Used() == 0 && pipes.InMemory() == 0 })
}

// The client of a response that its upstream has cut gets a cut one, and the record does not wait for the client.
func TestCutResponsesOfSlowClients(t *testing.T) {
	t.Parallel()
	up, ended := responding(t)
	g := newRig(t, Options{Group: group(up)})
	c := g.slow("/cut")
	<-ended
	bridgetest.Until(t, "the record", func() bool { return strings.Contains(g.log.String(), "upstream_failed") })
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); err == nil || n == 0 || n >= long {
		t.Errorf("%d bytes, %v", n, err)
	}
	if n := strings.Count(g.log.String(), "upstream_failed"); n != 1 {
		t.Errorf("%d records:\n%s", n, g.log)
	}
}

// Where the route or the upstream wants it so, where the file is full, and with gRPC, the upstream waits. When the client
// leaves, it is left too, without a record.
func TestUpstreamsThatWait(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"/":         {Straight: true},
		"/straight": {},
		"/full":     {Answers: &spool.Pipes{Spool: &spool.Spool{}, Memory: 64 << 10, Max: 64 << 10}},
	} {
		up, ended := responding(t)
		o.Group = group(up)
		g := newRig(t, o)
		c := g.slow(name)
		if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ended:
			t.Errorf("%s: the upstream did not wait", name)
		case <-time.After(200 * time.Millisecond):
		}
		c.Close()
		<-ended
		bridgetest.Until(t, "the request ends", func() bool { return running(o.Group) == 0 && g.info().ID != "" })
		if g.log.String() != "" {
			t.Errorf("%s: %s", name, g.log)
		}
	}
}
