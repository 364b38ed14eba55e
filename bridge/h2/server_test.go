package h2

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

func serve(t *testing.T, h http.HandlerFunc) (*Server, string, *http.Client) {
	return serveWith(t, Options{}, h)
}

// lingering is a connection as package listen's are.
type lingering struct{ *net.TCPConn }

func (l lingering) LingeringClose() error {
	_ = l.CloseWrite()
	_ = l.SetReadDeadline(time.Now().Add(patience))
	_, _ = io.Copy(io.Discard, l.TCPConn)
	return l.Close()
}

func serveWith(t *testing.T, o Options, h http.HandlerFunc) (*Server, string, *http.Client) {
	t.Helper()
	s := New(h, o)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close(); s.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			ends := httpx.EndsOf(c.RemoteAddr().String(), c.LocalAddr())
			_ = c.(*net.TCPConn).SetWriteBuffer(16 << 10)
			go s.ServeBegun(lingering{c.(*net.TCPConn)}, &ends)
		}
	}()
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	tr := &http.Transport{Protocols: p}
	t.Cleanup(tr.CloseIdleConnections)
	return s, "http://" + ln.Addr().String(), &http.Client{Transport: tr, Timeout: patience}
}

func TestRequests(t *testing.T) {
	_, url, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		rec := w.(*httpx.Writer)
		switch r.URL.Path {
		case "/abort":
			_, _ = io.WriteString(w, "half")
			rec.Flush()
			rec.Abort()
			return
		case "/hints":
			w.Header().Set("Link", "</a.css>; rel=preload")
			w.WriteHeader(103)
		}
		p, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", r.Proto+" "+r.Host+" "+r.Header.Get("Cookie")+" "+rec.Info.RemoteAddr+" "+string(p))
	})
	hints := 0
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error { hints += code; return nil }})
	req, _ := http.NewRequestWithContext(ctx, "GET", url+"/hints", nil)
	req.Header["Cookie"] = []string{"a=1", "b=2"}
	req.Host = "shop.example.org"
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.Header.Get("X-Seen"); got != "HTTP/2.0 shop.example.org a=1; b=2 127.0.0.1 " || hints != 103 {
		t.Errorf("%q, %d", got, hints)
	}
	resp, err = client.Get(url + "/abort")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("an aborted answer looks whole")
	}
}

// A stream that runs when the server stops ends properly.
func TestShutdown(t *testing.T) {
	begun, gate := make(chan bool), make(chan bool)
	s, url, client := serve(t, func(w http.ResponseWriter, r *http.Request) { begun <- true; <-gate; _, _ = io.WriteString(w, "whole") })
	got := make(chan string, 1)
	go func() {
		resp, err := client.Get(url)
		if err != nil {
			got <- err.Error()
			return
		}
		p, err := io.ReadAll(resp.Body)
		if err != nil {
			got <- err.Error()
			return
		}
		got <- string(p)
	}()
	<-begun
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(t.Context()) }()
	select {
	case <-ended:
		t.Error("Shutdown did not wait")
	case <-time.After(50 * time.Millisecond):
	}
	close(gate)
	if text := <-got; text != "whole" {
		t.Errorf("%s", text)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// An answer has the Content-Type that the handler gave it, or none; OPTIONS * reaches the handler.
func TestNothingIsGuessed(t *testing.T) {
	_, url, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/status" {
			w.WriteHeader(203)
		}
		_, _ = io.WriteString(w, "<html>"+r.RequestURI)
	})
	for _, path := range []string{"/", "/status", "*"} {
		req, _ := http.NewRequest("OPTIONS", url, nil)
		req.URL.Path, req.URL.Opaque = path, path
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		p, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if kind, there := resp.Header["Content-Type"]; there || string(p) != "<html>"+path {
			t.Errorf("%s: Content-Type %q, %q", path, kind, p)
		}
	}
}
