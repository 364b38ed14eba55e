package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/monitor"
)

// fakeMonitor counts how often it is asked.
type fakeMonitor struct {
	asked  int
	dumped string
}

func (m *fakeMonitor) Figures(app string) monitor.Figures {
	m.asked++
	return monitor.Figures{Span: 10, Apps: []monitor.AppFigures{{App: "shop", Requests: float64(m.asked)}}}
}

func (m *fakeMonitor) History(app string) monitor.History {
	return monitor.History{Step: 5, Apps: []monitor.AppHistory{{App: "all but " + app, Requests: []float32{1, 2, 3}}}}
}

func (m *fakeMonitor) Dumped(worker, stacks string) { m.dumped = worker + " " + stacks }

func TestTopAndHistory(t *testing.T) {
	r := newRig()
	get := func(target string, into any) int {
		t.Helper()
		w := httptest.NewRecorder()
		r.h.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		if w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v", target, w.Header())
		}
		if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		return w.Code
	}
	var top Top
	if code := get("/v1/top", &top); code != 200 || len(top.Status.Apps) != 2 || top.Figures.Span != 10 || top.Figures.Apps[0].App != "shop" {
		t.Errorf("%d %+v", code, top)
	}
	top = Top{}
	if code := get("/v1/top?app=blog", &top); code != 200 || len(top.Status.Apps) != 1 || top.Status.Apps[0].Name != "blog" {
		t.Errorf("%d %+v", code, top)
	}
	var h monitor.History
	if code := get("/v1/history?app=shop", &h); code != 200 || h.Step != 5 || h.Apps[0].App != "all but shop" {
		t.Errorf("%d %+v", code, h)
	}
	if code := get("/v1/history?last=2", &h); code != 200 || len(h.Apps[0].Requests) != 2 || h.Apps[0].Requests[1] != 3 {
		t.Errorf("%d %+v", code, h)
	}
	for _, last := range []string{"0", "-1", "x", "1e3"} {
		var p Problem
		if code := get("/v1/history?last="+last, &p); code != 400 || p.Err != "bad_number" {
			t.Errorf("last=%s: %d %+v", last, code, p)
		}
	}
	for _, target := range []string{"/v1/top?app=nothing", "/v1/history?app=nothing", "/v1/top/stream?app=nothing"} {
		var p Problem
		if code := get(target, &p); code != 404 || p.Err != "no_such_app" {
			t.Errorf("%s: %d %+v", target, code, p)
		}
	}
	for _, every := range []string{"1", "-1s", "1ms", "2h", "x"} {
		var p Problem
		if code := get("/v1/top/stream?every="+every, &p); code != 400 || p.Err != "bad_duration" {
			t.Errorf("every=%s: %d %+v", every, code, p)
		}
	}
}

// All streams get the same Top at the same time; one that is asked for singly is new.
func TestTopIsMadeOnceForAllStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		ask := func(target string) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond) // a stream ends after its first event
			defer cancel()
			r.h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", target, nil).WithContext(ctx))
		}
		for range 5 {
			ask("/v1/top/stream")
		}
		if r.figures.asked != 1 {
			t.Errorf("made %d times", r.figures.asked)
		}
		if ask("/v1/top"); r.figures.asked != 2 {
			t.Errorf("made %d times", r.figures.asked)
		}
		time.Sleep(freshTime)
		if ask("/v1/top/stream"); r.figures.asked != 3 {
			t.Errorf("made %d times", r.figures.asked)
		}
	})
}

// flusher is a recorder whose body can be read while it is written.
type flusher struct {
	*httptest.ResponseRecorder
	written chan string
}

func (f *flusher) Write(p []byte) (int, error) {
	f.written <- string(p)
	return len(p), nil
}

func (f *flusher) FlushError() error { return nil }

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		ctx, cancel := context.WithCancel(t.Context())
		open := func() *flusher {
			f := &flusher{httptest.NewRecorder(), make(chan string, 100)}
			go r.h.ServeHTTP(f, httptest.NewRequest("GET", "/v1/top/stream?every=2s", nil).WithContext(ctx))
			synctest.Wait()
			return f
		}
		read := func(f *flusher) (name string, top Top) {
			t.Helper()
			select {
			case text := <-f.written:
				lines := bufio.NewScanner(strings.NewReader(text))
				for lines.Scan() {
					if v, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
						if err := json.Unmarshal([]byte(v), &top); err != nil {
							t.Fatal(err)
						}
					} else if v, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
						name = v
					}
				}
			default:
				t.Fatal("there is no event")
			}
			return name, top
		}
		first := open()
		if name, top := read(first); name != "top" || top.Figures.Apps[0].Requests != 1 || len(top.Status.Apps) != 2 {
			t.Errorf("%s %+v", name, top)
		}
		if got := first.Header().Get("Content-Type"); got != "text/event-stream" {
			t.Error(got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if _, top := read(first); top.Figures.Apps[0].Requests != 2 {
			t.Errorf("%+v", top)
		}
		if len(first.written) != 0 {
			t.Error("there are further events")
		}
		for range maxStreams - 1 {
			open()
		}
		w := httptest.NewRecorder()
		ended, end := context.WithTimeout(ctx, time.Minute)
		r.h.ServeHTTP(w, httptest.NewRequest("GET", "/v1/top/stream", nil).WithContext(ended))
		end()
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"too_many_streams"`) {
			t.Errorf("one more than %d streams: %d %s", maxStreams, w.Code, w.Body)
		}
		cancel()
		synctest.Wait()
		ctx, cancel = context.WithCancel(t.Context())
		defer cancel()
		if name, _ := read(open()); name != "top" {
			t.Error("no stream after all others have ended")
		}
	})
}
