package http1

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
)

// shortTimeout is one that tests wait for. It is longer than a busy machine stands still between two steps of a test that are to be
// within it.
const shortTimeout = 3 * time.Second

// A head that does not come in time has the answer 408, once some of its bytes are there; a
// connection without a byte is closed without one.
func TestHeaderTimeout(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, network string) {
		t.Parallel()
		told := make(chan refused, 10)
		g := newRigOn(t, network, Options{HeaderTimeout: shortTimeout, Refused: refusing(told)}, listen.Options{}, func(w http.ResponseWriter, r *http.Request) {})
		begun := time.Now()
		silent := g.dial() // they wait beside each other
		slow := g.dial()
		slow.send("GET / HTTP/1.1\r\nHo")
		second := g.dial()
		second.kept()
		second.send("GET")
		trickle := g.dial() // bytes that come do not move the limit
		stop, stopped := make(chan bool), make(chan bool)
		go func() {
			defer close(stopped)
			for tick := time.NewTicker(20 * time.Millisecond); ; {
				select {
				case <-tick.C:
					_, _ = io.WriteString(trickle, "x")
				case <-stop:
					tick.Stop()
					return
				}
			}
		}()
		for _, p := range []*peer{slow, second, trickle} {
			a := p.read("GET")
			if a.status != 408 || !a.close || time.Since(begun) < shortTimeout-10*time.Millisecond || time.Since(begun) > patience {
				t.Errorf("%q after %v", a.head, time.Since(begun))
			}
			if r := wait(t, "Refused", told); r.why.Code != "header_timeout" {
				t.Errorf("%+v", r.why)
			}
		}
		close(stop)
		<-stopped
		silent.ends()
		if len(told) != 0 {
			t.Error("a silent connection was answered")
		}
		blank := g.dial()
		blank.send("\r\n")
		blank.ends()
	})
}

// A kept connection may be silent for IdleTimeout, and a new one for HeaderTimeout.
func TestIdleTimeout(t *testing.T) {
	var answered time.Time
	g := newRig(t, Options{HeaderTimeout: patience, IdleTimeout: 200 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			time.Sleep(500 * time.Millisecond) // a request is no idle time
			answered = time.Now()
		}
	})
	p, fresh := g.dial(), g.dial()
	p.get("/long")
	p.ends()
	if d := time.Since(answered); d < 190*time.Millisecond || d > patience {
		t.Errorf("it was closed after %v", d)
	}
	fresh.kept() // it waits longer
}

// Without limits nothing ends, and a limit of one wait does not hold for the next.
func TestTimeoutsEndWithTheirWait(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{HeaderTimeout: shortTimeout, IdleTimeout: patience}, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(b)
	})
	p := g.dial()
	p.send("POST / HTTP/1.1\r\nHost: h\r\n") // in two pieces: the limit is set
	p.send("Content-Length: 5\r\n\r\n")
	time.Sleep(shortTimeout + 1500*time.Millisecond) // longer than any look of the watch
	p.send("hello")
	if a := p.read("POST"); a.status != 200 || a.body != "hello" {
		t.Errorf("%q %q", a.head, a.body)
	}
	time.Sleep(shortTimeout + 1200*time.Millisecond)
	p.kept()
}

// A client that takes nothing of its answer is ended (listen.Limits), whatever writes it.
func TestSlowReaders(t *testing.T) {
	ended := make(chan error, 10)
	g := newRigOn(t, "tcp", Options{}, listen.Options{Limits: listen.Limits{Send: httpx.Pace{Silence: 200 * time.Millisecond, Rate: 500}}}, func(w http.ResponseWriter, r *http.Request) {
		var err error
		switch r.URL.Path {
		case "/large":
			_, err = w.Write(make([]byte, 64<<20))
		case "/pieces":
			for err == nil {
				_, err = w.Write(make([]byte, 10_000))
			}
		}
		ended <- err
	})
	for _, request := range []string{requestOf("GET /large HTTP/1.1"), requestOf("GET /pieces HTTP/1.1"), requestOf("GET /pieces HTTP/1.0")} {
		p := g.dial()
		p.send(request)
		line, _, _ := strings.Cut(request, "\r\n")
		if err := wait(t, "the end of "+line, ended); err == nil {
			t.Errorf("%s: no error", line)
		}
	}
}

// A read deadline that another part of the connection has ended is not waited for again and
// again.
func TestReadOfAnEndedConnection(t *testing.T) {
	ended := make(chan error, 1)
	g := newRigOn(t, "tcp", Options{}, listen.Options{Limits: listen.Limits{Send: httpx.Pace{Silence: 200 * time.Millisecond, Rate: 500}}}, func(w http.ResponseWriter, r *http.Request) {
		wrote := make(chan bool)
		go func() {
			defer close(wrote)
			_, _ = w.Write(make([]byte, 64<<20))
		}()
		_, err := io.ReadAll(r.Body)
		<-wrote
		ended <- err
	})
	p := g.dial()
	p.send(requestOf("POST / HTTP/1.1", "Content-Length: 10"))
	if err := wait(t, "the read", ended); !isTimeout(err) {
		t.Errorf("%v", err)
	}
}
