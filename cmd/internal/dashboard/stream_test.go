package dashboard

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// watch opens a stream in the bubble of a synctest; stop ends it, and text is what came.
func (r *rig) watch(t *testing.T, fields ...string) (stop func() (text string)) {
	ctx, cancel := context.WithCancel(t.Context())
	req := httptest.NewRequestWithContext(ctx, "GET", "/api/stream", nil)
	req.Host = "localhost"
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		req.Header.Add(name, value)
	}
	rec := httptest.NewRecorder()
	done := make(chan struct{})
	go func() { defer close(done); r.h.ServeHTTP(rec, req) }()
	return func() string {
		cancel()
		<-done
		return rec.Body.String()
	}
}

// A stream says what it may do, then sends each second; many viewers cost one question, and none costs nothing.
func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(Options{Local: true})
		time.Sleep(time.Minute)
		if got := r.questions(); got != nil {
			t.Errorf("without viewers: %q", got)
		}
		one, two := r.watch(t), r.watch(t)
		time.Sleep(4*time.Second + time.Second/2)
		text := one()
		if !strings.HasPrefix(text, "event: hello\ndata: {\"acts\":false}\n\nevent: top\ndata: {\"some\":\"figures\"}\n\n") || strings.Count(text, "event: top") != 5 {
			t.Errorf("%s", text)
		}
		if n := len(r.questions()); n != 5 {
			t.Errorf("%d questions for two viewers in 5 steps: %q", n, r.questions())
		}
		two()
		n := len(r.questions())
		time.Sleep(time.Minute)
		if len(r.questions()) != n {
			t.Error("asked without viewers")
		}
	})
}

// A server that is gone, and comes back.
func TestStreamOfAServerThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(Options{Token: token})
		r.answer = func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusBadGateway, "gone", "x\ny") }
		stop := r.watch(t, r.login(t))
		time.Sleep(time.Second / 2)
		r.mu.Lock()
		r.answer = nil
		r.mu.Unlock()
		time.Sleep(time.Second)
		if text := stop(); !strings.HasPrefix(text, "event: hello\ndata: {\"acts\":true}\n\nevent: gone\ndata: {\"error\":\"gone\",\"detail\":\"x\\ny\"}\n\nevent: top") {
			t.Errorf("%s", text)
		}
	})
}

// A stream ends with its session.
func TestStreamEndsWithItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(Options{Token: token})
		cookie := r.login(t)
		stop := r.watch(t, cookie)
		time.Sleep(2*time.Second + time.Second/2)
		r.do("POST", "/logout", "", cookie, own)
		time.Sleep(time.Second)
		n := len(r.questions())
		time.Sleep(time.Minute)
		if text := stop(); !strings.HasSuffix(text, "event: login\ndata: {}\n\n") || len(r.questions()) != n {
			t.Errorf("%s", text)
		}
	})
}

func TestStreamsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(Options{Local: true})
		var stops []func() string
		for range maxViewers {
			stops = append(stops, r.watch(t))
		}
		synctest.Wait()
		rec := r.do("GET", "/api/stream", "")
		if rec.Code != 503 || rec.Header().Get("Retry-After") == "" || !strings.Contains(rec.Body.String(), "too_many_viewers") {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		for _, stop := range stops {
			stop()
		}
		if r.h.viewers.Load() != 0 {
			t.Errorf("%d viewers", r.h.viewers.Load())
		}
	})
}

// The whole over a socket: the events come one by one, and Close ends a stream.
func TestServer(t *testing.T) {
	r := newRig(Options{Local: true})
	s := NewServer(r.h, httpx.Pace{Silence: time.Minute}, hclog.NewNullLogger())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	resp, err := http.Get(URL(ln.Addr()) + "api/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	tops := 0
	for tops < 2 && lines.Scan() {
		if lines.Text() == "event: top" {
			tops++
		}
	}
	if tops != 2 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%d events, %v", tops, resp.Header)
	}
	s.Close()
	for lines.Scan() {
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
