package h2

import (
	"net"
	"net/http"
	"testing"
	"time"
)

// expect reads up to a frame of a kind, and returns its payload.
func expect(t *testing.T, c net.Conn, kind byte) []byte {
	t.Helper()
	for {
		k, p, err := read(c)
		if err != nil {
			t.Fatalf("no frame %d: %v", kind, err)
		}
		if k == kind {
			return p
		}
	}
}

// The first GOAWAY names no last stream: a request that was on its way is answered. The answer to a ping makes the second one
// final; the answer to another one closes the connection, without any time that passes.
func TestFarewell(t *testing.T) {
	s, url, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	s.grace = patience
	c := dial(t, url)
	send(t, c, preface+frame(settingsFrame, 0, 0, "")+frame(headersFrame, endStream|endHeaders, 1, get))
	expect(t, c, headersFrame)
	s.Leave()
	if last, code := goneAway(t, c); last != lastStream || code != noError {
		t.Fatalf("the first GOAWAY: stream %d, error %d", last, code)
	}
	ping := expect(t, c, pingFrame)
	send(t, c, frame(headersFrame, endStream|endHeaders, 3, get)) // it was on its way
	expect(t, c, headersFrame)
	send(t, c, frame(pingFrame, ack, 0, string(ping)))
	if last, code := goneAway(t, c); last != 3 || code != noError {
		t.Fatalf("the second GOAWAY: stream %d, error %d", last, code)
	}
	send(t, c, frame(pingFrame, ack, 0, string(expect(t, c, pingFrame))))
	if !toEnd(c) {
		t.Error("it stays open")
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// A stream that runs is answered between the two.
func TestFarewellWaitsForStreams(t *testing.T) {
	gate := make(chan bool)
	s, url, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { <-gate; _, _ = w.Write(make([]byte, 50_000)) })
	s.grace = patience
	c := dial(t, url)
	send(t, c, preface+frame(settingsFrame, 0, 0, "")+frame(headersFrame, endStream|endHeaders, 1, get))
	expect(t, c, settingsFrame)
	s.Leave()
	send(t, c, frame(pingFrame, ack, 0, string(expect(t, c, pingFrame))))
	if last, _ := goneAway(t, c); last != 1 {
		t.Errorf("the last stream is %d", last)
	}
	close(gate)
	size, ended := 0, false
	for !ended {
		k, p, err := read(c)
		if err != nil {
			t.Fatalf("after %d bytes: %v", size, err)
		}
		if k == dataFrame {
			size += len(p)
		}
		ended = k == pingFrame
		if ended {
			send(t, c, frame(pingFrame, ack, 0, string(p)))
		}
	}
	if size != 50_000 {
		t.Errorf("%d bytes", size)
	}
	if !toEnd(c) {
		t.Error("it stays open")
	}
}

// Connections of all kinds end, also when clients answer nothing. What begins after it gets GOAWAY.
func TestLeave(t *testing.T) {
	t.Parallel()
	s, url, _ := serve(t, func(http.ResponseWriter, *http.Request) {})
	s.lastMoment = 4 * time.Second // longer than a busy machine stands still
	idle := dial(t, url)
	send(t, idle, preface+frame(settingsFrame, 0, 0, ""))
	expect(t, idle, settingsFrame)
	taken(t, s, 0)
	silent, begins := dial(t, url), dial(t, url)
	taken(t, s, 2)
	s.Leave()
	send(t, begins, preface+frame(settingsFrame, 0, 0, ""))
	late := dial(t, url)
	send(t, late, preface+frame(settingsFrame, 0, 0, "")+frame(headersFrame, endStream|endHeaders, 1, get))
	for name, c := range map[string]net.Conn{"idle": idle, "begins": begins, "late": late} {
		if last, code := goneAway(t, c); code != noError || name == "late" && last != 0 {
			t.Errorf("%s: the last stream is %d, the error %d", name, last, code)
		}
		if name == "late" {
			_ = c.(*net.TCPConn).CloseWrite()
		}
		if !toEnd(c) {
			t.Errorf("%s: it stays open", name)
		}
	}
	if !toEnd(silent) {
		t.Error("one that has not begun stays open")
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// A client of net/http that is idle closes its connection, or lets it be closed.
func TestIdleClientsEnd(t *testing.T) {
	s, url, client := serve(t, func(http.ResponseWriter, *http.Request) {})
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	s.Leave()
	select {
	case <-s.settled():
	case <-time.After(patience):
		t.Error("it stays open")
	}
}
