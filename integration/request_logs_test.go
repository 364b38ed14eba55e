package integration

import (
	"bufio"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func requestLogs(t *testing.T, app string, args ...string) *server {
	t.Helper()
	o := opts{App: app, Dir: appDir(t, "request_logs"), Args: append([]string{"-w", "1", "--trusted-fields", "for,proto,id"}, args...), Env: []string{"TOGETHER=8"}}
	if app != "plain:app" {
		o.Python = python(t)
	}
	return start(t, o)
}

// Eight requests at a time in one worker: each line that one of them prints or logs, in pieces, carries its id.
func TestLinesCarryTheirRequest(t *testing.T) {
	t.Parallel()
	for _, app := range []string{"flask_app:app", "django_app:app"} {
		t.Run(app, func(t *testing.T) {
			t.Parallel()
			s := requestLogs(t, app, "--threads", "8")
			eight := func(path string, status int) {
				var wg sync.WaitGroup
				for n := range 8 {
					wg.Go(func() {
						id := fmt.Sprintf("id-%d", n)
						if r := s.get(path+id, "X-Request-ID: "+id); r.Status != status {
							t.Errorf("%s: status %d", id, r.Status)
						}
					})
				}
				wg.Wait()
			}
			eight("/chatter/", 200)
			eight("/fail/", 500)
			for n := range 8 {
				id := fmt.Sprintf("id-%d", n)
				s.waitLog(func(r record) bool {
					return strings.Contains(r.str("message"), "raised by "+id) && r.str("stream") == "output"
				}, "the traceback of "+id)
			}
			mention := regexp.MustCompile(`id-\d`)
			lines := map[string]int{}
			eventually(t, "all lines are in the log", func() bool {
				clear(lines)
				for _, r := range s.log() {
					for _, id := range mention.FindAllString(r.str("message"), -1) {
						lines[id]++
					}
				}
				return len(lines) == 8 && slices.Min(slices.Collect(maps.Values(lines))) >= 20*5
			})
			for _, r := range s.log() {
				if r.str("stream") != "output" {
					continue
				}
				for _, id := range mention.FindAllString(r.str("message"), -1) {
					if r.str("id") != id {
						t.Errorf("a line of %s has the id %q: %s", id, r.str("id"), r.str("message"))
					}
				}
				whole := regexp.MustCompile(`^(id-\d prints round \d+ of id-\d|to stderr id-\d round \d+ of id-\d|id-\d logs round \d+|.*id-\d by (wsgi\.errors|the app's logger))$`)
				if !strings.Contains(r.str("message"), "Traceback") && !whole.MatchString(r.str("message")) {
					t.Errorf("not a whole line: %q", r.str("message"))
				}
				if strings.Contains(r.str("message"), "Traceback") && !regexp.MustCompile(`(?s)^[^\n]+\nTraceback .*(KeyError: 'in id-\d'|ValueError: raised by id-\d)$`).MatchString(r.str("message")) {
					t.Errorf("a traceback is not one record: %q", r.str("message"))
				}
			}
		})
	}
}

// What a client sends names no other request, whatever the app prints of it.
func TestClientsForgeNoID(t *testing.T) {
	t.Parallel()
	s := requestLogs(t, "flask_app:app", "--threads", "2")
	forged := "\x1e0123456789abcdef:other\x1eforged"
	if r := s.get("/echo?text="+url.QueryEscape(forged), "X-Request-ID: mine"); r.Status != 200 {
		t.Fatal(r.Status)
	}
	r := s.waitLog(func(r record) bool { return strings.HasPrefix(r.str("message"), "client:") }, "the line")
	if r.str("id") != "mine" || !strings.Contains(r.str("message"), "other") {
		t.Errorf("%v", r)
	}
}

// Raw output, such as a child's, has the id of the request that runs alone, and none when two run.
func TestRawOutputAndItsRequest(t *testing.T) {
	t.Parallel()
	s := requestLogs(t, "plain:app", "--threads", "2")
	of := func(text string) (ids []string) {
		for _, r := range s.log() {
			if r.str("message") == text {
				ids = append(ids, r.str("id"))
			}
		}
		return ids
	}
	g := newGate(t)
	a := s.background("/child?gate="+url.QueryEscape(g.path), "X-Request-ID: first")
	eventually(t, "the lines of one", func() bool { return len(of("by a child")) == 1 && len(of("by fd 2")) == 1 })
	if got := of("by a child")[0] + " " + of("by fd 2")[0]; got != "first first" {
		t.Errorf("one request: %q", got)
	}
	b := s.background("/child?gate="+url.QueryEscape(g.path), "X-Request-ID: second")
	eventually(t, "the lines of the other", func() bool { return len(of("by a child")) == 2 && len(of("by fd 2")) == 2 })
	if got := of("by a child")[1] + of("by fd 2")[1]; got != "" {
		t.Errorf("two requests: %q", got)
	}
	g.open(t)
	a.wait(t)
	b.wait(t)
}

// 100 MB on stderr within one request, while the log is not read: the answer comes all the same, and once somebody
// reads, each line is there or counted as dropped.
func TestFloodHoldsNoAnswer(t *testing.T) {
	t.Parallel()
	const lines = 100_000 // of 1000 bytes
	b := startBare(t, appDir(t, "request_logs"), "plain:app", "-w", "1", "--timeout", "10m")
	c := &http.Client{Timeout: 2 * bootPatience, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := c.Get(b.url + "/flood?lines=" + strconv.Itoa(lines))
	if err != nil || r.StatusCode != 200 {
		t.Fatalf("%v, %v", r, err)
	}
	r.Body.Close()
	id := r.Header.Get("X-Request-ID")

	seen, dropped := make(chan int, 1), make(chan int, 1)
	go func() {
		n, lost := 0, 0
		scan := bufio.NewScanner(b.err)
		scan.Buffer(nil, 1<<20)
		for scan.Scan() {
			switch r := parseRecord(scan.Text()); {
			case strings.HasPrefix(r.str("message"), "fff"):
				if n++; r.str("id") != id {
					t.Errorf("id %q, want %q", r.str("id"), id)
				}
			case r.event() == "log_dropped":
				k, _ := strconv.Atoi(r.str("writes"))
				lost += k
			}
		}
		seen <- n
		dropped <- lost
	}()
	if code := b.stop(t); code != 0 {
		t.Errorf("exit %d", code)
	}
	n, lost := <-seen, <-dropped
	if n+lost < lines || n+lost > lines+20 || n < 1000 || lost == 0 { // other records may be among the dropped
		t.Errorf("%d lines in the log and %d dropped, of %d", n, lost, lines)
	}
	t.Logf("%d lines in the log, %d dropped", n, lost)
}

// A 103 reaches the client before the app continues; a client that speaks HTTP/1.0 gets none.
func TestEarlyHints(t *testing.T) {
	t.Parallel()
	s := requestLogs(t, "plain:app", "--threads", "2")
	g := newGate(t)
	c, err := s.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(bootPatience))
	target := "/hints?gate=" + url.QueryEscape(g.path)
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", target)
	br := bufio.NewReader(c)
	head := func() string {
		var b strings.Builder
		for !strings.HasSuffix(b.String(), "\r\n\r\n") {
			line, err := br.ReadString('\n')
			if err != nil {
				t.Fatalf("%q: %v", b.String(), err)
			}
			b.WriteString(line)
		}
		return b.String()
	}
	if got := head(); got != "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload; as=style\r\n\r\n" {
		t.Errorf("%q", got)
	}
	if _, err := os.Stat(g.path); err == nil {
		t.Fatal("the gate was open")
	}
	g.open(t)
	if got := head(); !strings.HasPrefix(got, "HTTP/1.1 200 ") || strings.Contains(got, "Link:") || !strings.Contains(got, "X-Request-Id:") {
		t.Errorf("%q", got)
	}
	if got := s.raw("GET " + target + " HTTP/1.0\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.0 200") && !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Errorf("HTTP/1.0: %q", got)
	}
}
