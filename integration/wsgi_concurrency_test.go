package integration

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestWSGIThreads: N threads run N requests of one worker at once, and the next one waits.
func TestWSGIThreads(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours", "-w", "1", "--threads", "4")
	gate := s.newGate()
	var waiting []*async
	var ids []string
	for range 4 {
		id := newID()
		ids = append(ids, id)
		waiting = append(waiting, s.background("/error/hold?gate="+gate+"&id="+id))
	}
	eventually(t, "four requests run at once", func() bool {
		for _, id := range ids {
			if s.recorded("hold "+id) != 1 {
				return false
			}
		}
		return true
	})
	fifth := s.background("/process/pid")
	if r := s.get("/livez"); r.Status != 200 { // answered while all threads are held
		t.Errorf("/livez: %d", r.Status)
	}
	if !fifth.running() {
		t.Error("the fifth request was answered though all four threads are held")
	}
	s.openGate(gate)
	for _, a := range append(waiting, fifth) {
		if r := a.wait(t); r.Status != 200 {
			t.Errorf("status %d", r.Status)
		}
	}
}

// TestWSGINoCrossTalk: every answer belongs to its request, though clients leave at random and bodies are large both ways.
func TestWSGINoCrossTalk(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-w", "2"}, {"-w", "1", "--threads", "4"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			s := serveBehaviours(t, opts{
				App: "app:application", Dir: appDir(t, "wsgi_behaviours"), Args: args, Env: []string{"SWITCH_INTERVAL=0.000001"},
			})
			var group sync.WaitGroup
			for c := range 4 {
				group.Go(func() {
					random := rand.New(rand.NewPCG(1, uint64(c)))
					for i := range 60 {
						mark := fmt.Sprintf("[%d.%d]", c, i)
						body := strings.Repeat(mark, []int{1, 10000, 60000}[random.IntN(3)])
						conn, err := s.dial()
						if err != nil {
							t.Error(err)
							return
						}
						_ = conn.SetDeadline(time.Now().Add(3 * patience))
						w := &wire{t: t, conn: conn, br: bufio.NewReader(conn)}
						sent := make(chan struct{})
						go func() {
							defer close(sent)
							_, _ = fmt.Fprintf(conn, "POST /input/late HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
						}()
						switch random.IntN(4) {
						case 0: // leaves while it sends
						case 1: // leaves in the middle of the answer
							if _, err := w.head(); err == nil {
								_, _ = w.br.Peek(1)
							}
						default:
							a, err := w.try("POST")
							if err != nil || a.Status != 200 || a.Body != "<"+body+">" {
								t.Errorf("%s: %v, status %d, %d bytes %.40q, want %d", mark, err, a.Status, len(a.Body), a.Body, len(body)+2)
							}
						}
						conn.Close()
						<-sent
					}
				})
			}
			group.Wait()
			s.settle()
			if n := len(s.events("worker_exit")); n != 0 {
				t.Errorf("%d workers were lost", n)
			}
			for _, r := range s.log() {
				if r.event() == "app_error" {
					t.Errorf("a client that leaves is no error: %v", r)
				}
			}
		})
	}
}

// TestWSGIClientsLeave: clients that leave right after they have sent a body larger than the credit. Whether the worker
// hears of the request or of the client's leaving first, it ends the one and is free for the next.
func TestWSGIClientsLeave(t *testing.T) {
	for _, args := range [][]string{{"-w", "1"}, {"-w", "1", "--threads", "4"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			s := serveWSGI(t, "wsgi_behaviours", args...)
			body := noise(400_000)
			var group sync.WaitGroup
			for c := range 4 {
				group.Go(func() {
					random := rand.New(rand.NewPCG(2, uint64(c)))
					for range 100 {
						conn, err := s.dial()
						if err != nil {
							t.Error(err)
							return
						}
						_ = conn.SetDeadline(time.Now().Add(3 * patience))
						_, _ = fmt.Fprintf(conn, "POST /input/late HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
						time.Sleep(time.Duration(random.IntN(2000)) * time.Microsecond) // spreads the moment of leaving over the request's life
						disconnect(conn)
					}
				})
			}
			group.Wait()
			s.settle() // a worker that waits for the rest of a body that never comes would not answer
			if n := len(s.events("worker_exit")); n != 0 {
				t.Errorf("%d workers were lost", n)
			}
		})
	}
}

// TestWSGIDuplex: the app streams megabytes while it has read nothing of a large body.
func TestWSGIDuplex(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours")
	sum := digest(places(5 << 20))
	body := noise(3 << 20)
	for _, view := range []string{"big_generator", "big_write", "big_list"} {
		if r := s.post("/iter/"+view, "application/octet-stream", body); r.Status != 200 || digest(r.Body) != sum {
			t.Errorf("%s: status %d, %d bytes", view, r.Status, len(r.Body))
		}
	}
	s.settle()
}

// TestWSGIStalledBody: a body that stops coming is answered 408, and the app never sees it.
func TestWSGIStalledBody(t *testing.T) {
	t.Parallel()
	s := serveWSGI(t, "wsgi_behaviours", "--body-timeout", "1s")
	for _, framing := range []string{"Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nab"} {
		id := newID()
		w := dialWire(t, s.server)
		w.send("POST /input/counted?id=" + id + " HTTP/1.1\r\nHost: a\r\n" + framing)
		if a := w.recv("POST"); a.Status != 408 || s.over != h2 && !strings.EqualFold(a.field("Connection"), "close") {
			t.Errorf("%.20q: status %d, Connection %q", framing, a.Status, a.field("Connection"))
		}
		s.waitAccess(id + ".* 408 ")
		s.settle()
		if s.recorded("counted "+id) != 0 {
			t.Error("the app saw half a body")
		}
	}
	// A client that leaves in its body is no request of the app's either. Here no body is late.
	s = serveWSGI(t, "wsgi_behaviours", "--body-timeout", "5m")
	id := newID()
	w := dialWire(t, s.server)
	w.send("POST /input/counted?id=" + id + " HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
	w.conn.Close()
	s.waitAccess(id + ".* (499|400) ")
	s.settle()
	if s.recorded("counted "+id) != 0 {
		t.Error("the app saw half a body")
	}
}

// TestWSGIUnixSocket: PEP 3333 wants SERVER_NAME and SERVER_PORT never empty; a unix peer is trusted.
func TestWSGIUnixSocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := serveBehaviours(t, opts{App: "app:application", Dir: appDir(t, "wsgi_behaviours"), Listen: []string{"unix:" + dir + "/s.sock"}, Args: []string{"--trusted-fields", "for,proto,id"}})
	w := dialWire(t, s.server)
	w.send("GET /echo HTTP/1.0\r\n\r\n")
	e := parseEcho(t, w.recv("GET").Body)
	if e.Strings["SERVER_NAME"] == "" || e.Strings["SERVER_PORT"] == "" || e.Types["REMOTE_ADDR"] != "str" {
		t.Errorf("SERVER_NAME %q, SERVER_PORT %q, REMOTE_ADDR is a %q", e.Strings["SERVER_NAME"], e.Strings["SERVER_PORT"], e.Types["REMOTE_ADDR"])
	}
	w = dialWire(t, s.server)
	w.send("GET /echo HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Request-ID: from-nginx\r\n\r\n")
	a := w.recv("GET")
	e = parseEcho(t, a.Body)
	if e.Strings["REMOTE_ADDR"] != "203.0.113.9" || e.Strings["wsgi.url_scheme"] != "https" || e.Strings["HTTP_HOST"] != "shop.example" || a.field("X-Request-ID") != "from-nginx" {
		t.Errorf("REMOTE_ADDR %q, scheme %q, host %q, id %q", e.Strings["REMOTE_ADDR"], e.Strings["wsgi.url_scheme"], e.Strings["HTTP_HOST"], a.field("X-Request-ID"))
	}
	w.usable()
}
