package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func pace(t *testing.T, h http.HandlerFunc, rate float64, length time.Duration, connections int) report {
	t.Helper()
	s := httptest.NewServer(h)
	defer s.Close()
	got, err := run(s.Listener.Addr().String(), load{path: "/", rate: rate, length: length, connections: connections})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestEveryRequestIsAnswered(t *testing.T) {
	var served atomic.Int64
	for name, h := range map[string]http.HandlerFunc{
		"kept":   func(w http.ResponseWriter, r *http.Request) { served.Add(1) },
		"closed": func(w http.ResponseWriter, r *http.Request) { served.Add(1); w.Header().Set("Connection", "close") },
		"chunked": func(w http.ResponseWriter, r *http.Request) {
			served.Add(1)
			w.(http.Flusher).Flush()
			w.Write([]byte("x"))
		},
	} {
		served.Store(0)
		got := pace(t, h, 500, 400*time.Millisecond, 8)
		if got.Requests != 200 || got.Failed != 0 || served.Load() != 200 || got.P50 <= 0 || got.Max < got.P999 || got.P999 < got.P50 {
			t.Errorf("%s: served %d: %+v", name, served.Load(), got)
		}
	}
}

// A closed loop would send one request during the stall and find the median as quick as ever.
func TestStallCountsForEveryRequestThatWasDue(t *testing.T) {
	var first atomic.Bool
	got := pace(t, func(w http.ResponseWriter, r *http.Request) {
		if first.CompareAndSwap(false, true) {
			time.Sleep(300 * time.Millisecond) // the stall
		}
	}, 1000, 400*time.Millisecond, 1)
	if got.Failed != 0 || got.Waited < 250 || got.P50 < 20 || got.Max < 300 {
		t.Errorf("of 400 requests 300 were due during the stall: %+v", got)
	}
}

func TestFailuresAreCounted(t *testing.T) {
	got := pace(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) }, 500, 100*time.Millisecond, 4)
	if got.Failed != 50 || got.Refused[503] != 50 {
		t.Errorf("answers that are not 200: %+v", got)
	}
	got, err := run(deaf(t), load{path: "/", rate: 500, length: 100 * time.Millisecond, connections: 4})
	if err != nil || got.Failed != 50 || got.Achieved != 0 {
		t.Errorf("an address that is not listened on: %+v %v", got, err)
	}
}

// deaf is an address that is bound, so that no other process gets it, and is not listened on.
func deaf(t *testing.T) string {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", at.(*syscall.SockaddrInet4).Port)
}

// Every second one hangs up after a moment, the others before their answer would come.
func TestThoseWhoLoseTheirPatienceLeave(t *testing.T) {
	gate := make(chan struct{})
	var came, gone atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		came.Add(1)
		select {
		case <-r.Context().Done():
			gone.Add(1)
		case <-gate:
		}
	}))
	defer s.Close()
	defer close(gate)
	// Two connections for twenty requests: most give up before they have one.
	for _, connections := range []int{2, 20} {
		before := came.Load()
		got, err := run(s.Listener.Addr().String(), load{path: "/", rate: 200, length: 100 * time.Millisecond, connections: connections,
			patience: 400 * time.Millisecond, haste: 100 * time.Millisecond, hasty: 2})
		if err != nil || got.Left != 20 || got.Failed != 20 || got.Max < 400 || got.P50 < 100 {
			t.Errorf("%d connections: %+v %v", connections, got, err)
		}
		for end := time.Now().Add(2 * time.Minute); came.Load() == before || gone.Load() < came.Load(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d connections: %d came, the server has seen %d of them leave", connections, came.Load()-before, gone.Load()-before)
			}
		}
	}
}
