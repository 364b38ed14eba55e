package limit

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// rig is a limit and what it writes.
type rig struct {
	t   *testing.T
	o   Options
	h   http.Handler
	log bridgetest.Log
}

func newRig(t *testing.T, o Options, next http.HandlerFunc) *rig {
	t.Helper()
	g := &rig{t: t, o: o}
	if g.o.State == nil {
		g.o.State = NewState(1000)
	}
	if len(g.o.Key.parts) == 0 {
		g.o.Key = keyOf(t, "client")
	}
	if g.o.Status == 0 {
		g.o.Status = http.StatusTooManyRequests
	}
	g.o.Name, g.o.IPv6Prefix = "api", 64
	g.o.Log = hclog.New(&hclog.LoggerOptions{Output: &g.log, JSONFormat: true})
	if next == nil {
		next = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }
	}
	g.h = New(g.o)(next)
	return g
}

// send sends a request of a client and returns the answer; status 0: it was aborted.
func (g *rig) send(client string, change ...func(*http.Request)) *http.Response {
	r := httptest.NewRequest("GET", "/x", nil)
	for _, f := range change {
		f(r)
	}
	out := httptest.NewRecorder()
	rec := new(httpx.Writer)
	rec.Reset(out)
	rec.Info.Peer, rec.Info.RemoteAddr, rec.Info.ID = netip.AddrPortFrom(netip.MustParseAddr(client), 9), client, "id-"+client
	g.h.ServeHTTP(rec, r)
	answer := out.Result()
	if rec.Aborted() {
		answer.StatusCode = 0
	}
	return answer
}

// statuses sends n requests of a client.
func (g *rig) statuses(client string, n int) (list []int) {
	for range n {
		list = append(list, g.send(client).StatusCode)
	}
	return list
}

// records are the events of that name.
func (g *rig) records(event string) (list []map[string]any) {
	for line := range strings.Lines(g.log.String()) {
		m := map[string]any{}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			g.t.Fatal(err)
		}
		if m["@message"] == event {
			list = append(list, m)
		}
	}
	return list
}

func (g *rig) want(what string, got, want []int) {
	g.t.Helper()
	if !slices.Equal(got, want) {
		g.t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t, Options{Rate: Rate{Count: 1, Per: 10 * time.Second, Burst: 2}}, nil)
		g.want("the burst and one more", g.statuses("192.0.2.1", 4), []int{200, 200, 200, 429})
		g.want("another client", g.statuses("192.0.2.2", 1), []int{200})
		time.Sleep(6 * time.Second)
		a := g.send("192.0.2.1", func(r *http.Request) { r.Header.Set("Accept", "application/json") })
		if a.StatusCode != 429 || a.Header.Get("Retry-After") != "4" || a.Header.Get("Ratelimit-Policy") != `"api";q=1;w=10` || a.Header.Get("Ratelimit") != `"api";r=0;t=4` ||
			a.Header.Get("Content-Type") != "application/json" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v", a.StatusCode, a.Header)
		}
		time.Sleep(4 * time.Second)
		g.want("after Retry-After", g.statuses("192.0.2.1", 2), []int{200, 429})
		time.Sleep(time.Hour)
		g.want("much later", g.statuses("192.0.2.1", 4), []int{200, 200, 200, 429})
		if st := g.o.State.Stats(); st.Allowed != 8 || st.Refused != 4 || st.Keys != 1 {
			t.Errorf("%+v", st)
		}
		list := g.records("limit_exceeded")
		if len(list) != 2 || list[0]["limit_name"] != "api" || list[0]["key"] != "192.0.2.1" || list[0]["id"] != "id-192.0.2.1" || list[0]["reason"] != "rate" || list[0]["status"] != 429.0 || list[1]["refused"] != 3.0 {
			t.Errorf("%v", list)
		}
	})
}

// Answers that are not refused tell of the limit on request, unless the app does.
func TestAnnounce(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{Announce: true, Rate: Rate{Count: 1, Per: time.Hour, Burst: 2}}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "own" {
			w.Header().Set("RateLimit", "mine")
		}
		w.WriteHeader(200)
	})
	if a := g.send("192.0.2.1"); a.Header.Get("Ratelimit") != `"api";r=2;t=3600` || a.Header.Get("Ratelimit-Policy") != `"api";q=1;w=3600` {
		t.Errorf("%v", a.Header)
	}
	if a := g.send("192.0.2.1", func(r *http.Request) { r.URL.RawQuery = "own" }); a.Header.Get("Ratelimit") != "mine" {
		t.Errorf("%v", a.Header)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{DryRun: true, Rate: Rate{Count: 1, Per: time.Hour, Delay: 1}, Concurrency: 1}, nil)
	g.want("a dry run", g.statuses("192.0.2.1", 4), []int{200, 200, 200, 200})
	if st := g.o.State.Stats(); st.Allowed != 1 || st.Delayed != 1 || st.Refused != 2 {
		t.Errorf("%+v", st)
	}
	if list := g.records("limit_exceeded"); len(list) != 1 || list[0]["dry_run"] != true {
		t.Errorf("%v", list)
	}
}

// Requests above the rate wait in its pace, as many as delay says; further ones are refused.
func TestDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		var at []time.Duration
		g := newRig(t, Options{Rate: Rate{Count: 1, Per: time.Second, Burst: 1, Delay: 3}}, func(http.ResponseWriter, *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Since(start))
		})
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() { g.send("192.0.2.1") })
		}
		synctest.Wait()
		if st := g.o.State.Stats(); st.Waiting != 3 || st.Delayed != 3 || st.Allowed != 2 {
			t.Errorf("%+v", st)
		}
		g.want("one more", g.statuses("192.0.2.1", 1), []int{429})
		wg.Wait()
		if !slices.Equal(at, []time.Duration{0, 0, time.Second, 2 * time.Second, 3 * time.Second}) || g.o.State.Stats().Waiting != 0 {
			t.Errorf("%v", at)
		}
	})
}

// A client that disconnects while it waits makes room for another.
func TestDelayedClientLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		served := 0
		g := newRig(t, Options{Rate: Rate{Count: 1, Per: time.Second, Delay: 1}}, func(http.ResponseWriter, *http.Request) { served++ })
		g.send("192.0.2.1")
		ctx, leave := context.WithCancel(t.Context())
		done := make(chan int, 1)
		go func() {
			done <- g.send("192.0.2.1", func(r *http.Request) { *r = *r.WithContext(ctx) }).StatusCode
		}()
		synctest.Wait()
		g.want("while it waits", g.statuses("192.0.2.1", 1), []int{429})
		leave()
		if status := <-done; status != 0 || served != 1 || g.o.State.Stats().Waiting != 0 {
			t.Errorf("%d, %d served", status, served)
		}
		start := time.Now()
		g.want("when it has left", g.statuses("192.0.2.1", 1), []int{200})
		if took := time.Since(start); took != time.Second {
			t.Errorf("waited %v", took)
		}
	})
}

// The requests of a key that run are bounded; each end of one makes room: an answer, a panic, an
// aborted answer.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := make(chan string)
		g := newRig(t, Options{Concurrency: 2, Status: 503}, func(w http.ResponseWriter, r *http.Request) {
			switch <-end {
			case "panic":
				panic("in the handler")
			case "abort":
				httpx.Abort(w)
			}
		})
		begin := func() {
			go func() {
				defer func() { _ = recover() }()
				g.send("192.0.2.1")
			}()
			synctest.Wait()
		}
		begin()
		begin()
		for _, how := range []string{"answer", "panic", "abort"} {
			if a := g.send("192.0.2.1"); a.StatusCode != 503 || a.Header.Get("Retry-After") != "1" || a.Header.Get("Ratelimit") != `"api";r=0` || a.Header.Get("Ratelimit-Policy") != `"api";q=2;qu="concurrent-requests"` {
				t.Errorf("%d %v", a.StatusCode, a.Header)
			}
			if st := g.o.State.Stats(); st.Running != 2 {
				t.Errorf("%+v", st)
			}
			end <- how
			synctest.Wait()
			begin()
		}
		end <- ""
		end <- ""
		synctest.Wait()
		if st := g.o.State.Stats(); st.Running != 0 || st.Allowed != 5 || st.Refused != 3 {
			t.Errorf("%+v", st)
		}
		if list := g.records("limit_exceeded"); len(list) != 1 || list[0]["reason"] != "concurrency" {
			t.Errorf("%v", list)
		}
	})
}

// What a limit is not for passes and is not counted.
func TestApplies(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{Rate: Rate{Count: 1, Per: time.Hour}, Applies: func(r *http.Request) bool { return r.Method == "POST" }}, nil)
	g.want("GET", g.statuses("192.0.2.1", 3), []int{200, 200, 200})
	post := func(r *http.Request) { r.Method = "POST" }
	g.want("POST", []int{g.send("192.0.2.1", post).StatusCode, g.send("192.0.2.1", post).StatusCode}, []int{200, 429})
	if st := g.o.State.Stats(); st.Allowed != 1 {
		t.Errorf("%+v", st)
	}
}
