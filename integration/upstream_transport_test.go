package integration

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Slow readers of a large answer hold no connection of an upstream: by its own count all are free before a byte is read. The
// readers end by send_timeout. STANDPIPE_SLOW_READERS is another number of readers.
func TestSlowReadersHoldNoUpstream(t *testing.T) {
	t.Parallel()
	const size = 10 << 20
	readers := 40
	if n, err := strconv.Atoi(os.Getenv("STANDPIPE_SLOW_READERS")); err == nil {
		readers = n
	}
	part := []byte(strings.Repeat("x", 256<<10))
	var running, begun atomic.Int64
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun.Add(1)
		running.Add(1)
		defer running.Add(-1)
		w.Header().Set("Content-Length", strconv.Itoa(size))
		for range size / len(part) {
			if _, err := w.Write(part); err != nil {
				return
			}
		}
	}))
	t.Cleanup(up.Close)
	s := routed(t, fmt.Sprintf("[limits]\nsend_timeout = \"30s\"\n[[route]]\npath = \"/up\"\nhandler = \"proxy\"\nupstreams = [%q]\n", up.URL))
	var conns []net.Conn
	for range readers {
		c, err := s.dial()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = tcpOf(c).SetReadBuffer(64 << 10)
		_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
		io.WriteString(c, "GET /up/big HTTP/1.1\r\nHost: h\r\n\r\n")
		conns = append(conns, c)
	}
	eventually(t, "the upstream has answered all", func() bool { return begun.Load() == int64(readers) && running.Load() == 0 })
	resp, err := http.ReadResponse(bufio.NewReader(conns[0]), nil) // one that goes on gets all of it
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	s.waitEvent("slow_client")
	eventually(t, "all others have ended", func() bool { return strings.Count(strings.Join(s.access(), "\n"), "aborted=1") == readers-1 })
}

// An upstream that closes idle connections after 10 ms, clients whose requests come at about that moment: none of them fails,
// whatever its method, and most GETs use a kept connection.
func TestUpstreamClosesAtTheWorstMoment(t *testing.T) {
	t.Parallel()
	var accepted, served atomic.Int64
	up := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %d", r.Method, len(b))
	}))
	up.Config.IdleTimeout = 10 * time.Millisecond
	up.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			accepted.Add(1)
		}
	}
	up.Start()
	t.Cleanup(up.Close)
	s := routed(t, fmt.Sprintf("[[route]]\npath = \"/up\"\nhandler = \"proxy\"\nretry_on = []\nupstreams = [%q]\n", up.URL))
	var running sync.WaitGroup
	for client := range 6 {
		running.Go(func() {
			for i := range 60 {
				method, body := "GET", ""
				switch (client + i) % 3 {
				case 0:
					method, body = "POST", strings.Repeat("x", 1+i*500)
				case 1:
					method, body = "PUT", "x"
				}
				req, err := http.NewRequest(method, s.URL+"/up/x", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				b, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if want := fmt.Sprintf("%s %d", method, len(body)); string(b) != want || err != nil {
					t.Errorf("%d %q %v, want %q", resp.StatusCode, b, err, want)
				}
				time.Sleep(time.Duration(8+(client+i)%5) * time.Millisecond) // around the moment when the upstream closes
			}
		})
	}
	running.Wait()
	if a, n := accepted.Load(), served.Load(); a >= n {
		t.Errorf("%d connections for %d requests", a, n)
	}
}

// grpcEcho speaks the framing of gRPC: it answers each message as it comes, in both directions at a time, and ends with
// trailers.
func grpcEcho(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 2 || r.Header.Get("Te") != "trailers" || r.Header.Get("Content-Type") != "application/grpc" {
		http.Error(w, fmt.Sprintf("%s %v", r.Proto, r.Header), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/grpc")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	for {
		m, err := readGRPC(r.Body)
		if err != nil {
			break
		}
		_, _ = w.Write(grpcMessage("echo " + m))
		_ = http.NewResponseController(w).Flush()
	}
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	w.Header().Set(http.TrailerPrefix+"Grpc-Message", "fine")
}

func grpcMessage(text string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(text))), text...)
}

func readGRPC(r io.Reader) (string, error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(r, head); err != nil {
		return "", err
	}
	b := make([]byte, binary.BigEndian.Uint32(head[1:]))
	_, err := io.ReadFull(r, b)
	return string(b), err
}

// gRPC passes to upstreams of HTTP/2, which is chosen by ALPN or by h2c://: messages go both ways at a time, and the trailers
// arrive. What is not gRPC passes to them too, and WebSocket over TLS by HTTP/1.1.
func TestHTTP2Upstreams(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "ca")
	dir := project(t, map[string]string{"ca.pem": ca.pem, "app.py": hello("of its own")})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/Echo"):
			grpcEcho(w, r)
		case r.Header.Get("Upgrade") != "":
			fmt.Fprintf(w, "%s upgrade", r.Proto)
		default:
			b, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s %s %d %s", r.Proto, r.Method, r.Host, len(b), r.Header.Get("X-Forwarded-For"))
		}
	})
	plain := httptest.NewUnstartedServer(h)
	plain.Config.Protocols = new(http.Protocols)
	plain.Config.Protocols.SetUnencryptedHTTP2(true)
	plain.Start()
	t.Cleanup(plain.Close)
	secure := httptest.NewUnstartedServer(h)
	cert, key := ca.forNames(t, "127.0.0.1")
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(secure.Close)
	old := httptest.NewUnstartedServer(h) // of HTTP/1.1 only
	old.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	old.StartTLS()
	t.Cleanup(old.Close)
	routes := "[[listen]]\naddress = \"127.0.0.1:0\"\nh2c = \"on\"\n[[app]]\nname = \"own\"\nmodule = \"app:app\"\nworkers = 1\n"
	for path, url := range map[string]string{"/plain": strings.Replace(plain.URL, "http:", "h2c:", 1), "/secure": secure.URL, "/old": old.URL} {
		routes += fmt.Sprintf("[[route]]\npath = %q\nhandler = \"proxy\"\nupstreams = [%q]\n", path, url)
	}
	write(t, dir, map[string]string{"standpipe.toml": routes})
	s := start(t, opts{Dir: dir, Bare: true, Env: []string{"SSL_CERT_FILE=" + dir + "/ca.pem"}})
	client := plainTwo(t)
	for path, proto := range map[string]string{"/plain": "HTTP/2.0", "/secure": "HTTP/2.0", "/old": "HTTP/1.1"} {
		for range 2 {
			if r := s.want(200, path+"/x", "Host: shop.example"); r.Body != proto+" GET shop.example 0 127.0.0.1" {
				t.Errorf("%s: %q", path, r.Body)
			}
		}
		resp, err := client.Post(s.URL+path+"/x", "text/plain", strings.NewReader(strings.Repeat("x", 300_000)))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(resp.Body); err != nil || !strings.HasPrefix(string(b), proto+" POST ") || !strings.Contains(string(b), " 300000 ") {
			t.Errorf("%s: %q %v", path, b, err)
		}
		resp.Body.Close()
	}
	for path, want := range map[string]string{"/plain": "HTTP/2.0 GET", "/secure": "HTTP/1.1 upgrade", "/old": "HTTP/1.1 upgrade"} {
		answer := s.raw("GET " + path + "/ws HTTP/1.1\r\nHost: h\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n")
		if !strings.Contains(answer, "\r\n\r\n"+want) && !strings.Contains(answer, want) {
			t.Errorf("%s: %s", path, answer)
		}
	}
	for _, path := range []string{"/plain", "/secure"} {
		in, out := io.Pipe()
		req, err := http.NewRequest("POST", s.URL+path+"/Echo", in)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/grpc")
		req.Header.Set("Te", "trailers")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 { // each answer before the next message
			text := fmt.Sprintf("message %d", i)
			if _, err := out.Write(grpcMessage(text)); err != nil {
				t.Fatal(err)
			}
			if m, err := readGRPC(resp.Body); m != "echo "+text || err != nil {
				t.Fatalf("%s: %d %q %v", path, resp.StatusCode, m, err)
			}
		}
		out.Close()
		if rest, err := io.ReadAll(resp.Body); len(rest) > 0 || err != nil || resp.Trailer.Get("Grpc-Status") != "0" || resp.Trailer.Get("Grpc-Message") != "fine" {
			t.Errorf("%s: %q %v %v", path, rest, err, resp.Trailer)
		}
		resp.Body.Close()
	}
}
