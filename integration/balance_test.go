package integration

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// trio are three real standpipe processes behind another one.
type trio struct {
	t     testing.TB
	front *server
	dirs  [3]string
	addrs [3]string
	procs [3]*server
}

// moody is an app that does what the file mode in its folder says.
const moody = `import os, time
def app(environ, start_response):
    with open("mode") as f:
        mode = f.read()
    time.sleep(1 if mode == "slow" else 0.05)
    status = mode + " As Told" if mode.isdigit() else "200 OK"
    if environ["REQUEST_METHOD"] == "POST":
        text = environ["QUERY_STRING"] + " " + environ["wsgi.input"].read().decode()
    else:
        text = environ["QUERY_STRING"] + " v"
    if environ["PATH_INFO"] == "/stream":
        start_response("200 OK", [])
        return ((environ["QUERY_STRING"] + " %d\n" % n).encode() for n in range(5))
    start_response(status, [("Content-Length", str(len(text)))])
    return [text.encode()]
`

// newTrio starts them. settings are keys of the route, or tables within it.
func newTrio(t testing.TB, settings string) *trio {
	t.Helper()
	b := &trio{t: t}
	for i := range b.dirs {
		b.dirs[i] = project(t, map[string]string{"app.py": moody, "mode": "ok"})
		b.addrs[i] = "127.0.0.1:" + freePort(t)
		b.boot(i)
	}
	b.front = routed(t, fmt.Sprintf("[[route]]\nhandler = \"proxy\"\nupstreams = [\"http://%s\", \"http://%s\", \"http://%s\"]\n%s", b.addrs[0], b.addrs[1], b.addrs[2], settings))
	return b
}

// boot starts an upstream, again at its address.
func (b *trio) boot(i int) {
	b.t.Helper()
	b.procs[i] = start(b.t, opts{Dir: b.dirs[i], App: "app:app", Listen: []string{b.addrs[i]}, Args: []string{"--threads", "16", "-w", "1"}})
}

// mode tells an upstream's app what to do from now on.
func (b *trio) mode(i int, mode string) {
	write(b.t, b.dirs[i], map[string]string{"mode.new": mode})
	if err := syscall.Rename(filepath.Join(b.dirs[i], "mode.new"), filepath.Join(b.dirs[i], "mode")); err != nil {
		b.t.Fatal(err)
	}
}

// upstreamStatus is one upstream as the status shows it.
type upstreamStatus struct {
	State     string
	Reason    string
	Requests  int64
	Failures  int64
	Retries   int64
	InFlight  int64           `json:"in_flight"`
	LastCheck json.RawMessage `json:"last_check"`
}

func (b *trio) status() []upstreamStatus {
	b.t.Helper()
	var st struct{ Upstreams []upstreamStatus }
	if err := json.Unmarshal([]byte(b.front.must("status", "--json")), &st); err != nil || len(st.Upstreams) != 3 {
		b.t.Fatal(err, st)
	}
	return st.Upstreams
}

// stream is a load of GETs, of which none may fail.
type stream struct {
	b      *trio
	sent   atomic.Int64
	failed atomic.Int64
	stop   chan struct{}
	wg     sync.WaitGroup
}

func (b *trio) load(clients int) *stream {
	l := &stream{b: b, stop: make(chan struct{})}
	for i := range clients {
		l.wg.Go(func() { l.client(i) })
	}
	return l
}

func (l *stream) client(number int) {
	c := &http.Client{Transport: &http.Transport{}}
	defer c.CloseIdleConnections()
	for n := 0; ; n++ {
		select {
		case <-l.stop:
			return
		default:
		}
		id := fmt.Sprintf("c%d-%d", number, n)
		if err := askFor(c, l.b.front.URL+"/x?"+id, id+" v"); err != nil {
			l.failed.Add(1)
			l.b.t.Errorf("%s: %v", id, err)
		}
		l.sent.Add(1)
	}
}

func askFor(c *http.Client, url, want string) error {
	resp, err := c.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || string(body) != want {
		return fmt.Errorf("%d %q %v", resp.StatusCode, body, err)
	}
	return nil
}

// end stops the load, and says how many requests there were.
func (l *stream) end() int64 {
	close(l.stop)
	l.wg.Wait()
	return l.sent.Load()
}

// more waits for n more answers.
func (l *stream) more(n int64) {
	l.b.t.Helper()
	at := l.sent.Load()
	eventually(l.b.t, fmt.Sprintf("%d more answers", n), func() bool { return l.sent.Load() >= at+n || l.failed.Load() > 5 })
}

// shares are the parts that the upstreams get of the next n requests, in percent.
func (l *stream) shares(n int64) (list [3]float64) {
	l.b.t.Helper()
	before := l.b.status()
	l.more(n)
	after, all := l.b.status(), 0.0
	for i := range list {
		list[i] = float64(after[i].Requests - before[i].Requests)
		all += list[i]
	}
	for i := range list {
		list[i] *= 100 / all
	}
	return list
}

// left waits until upstream i gets next to nothing.
func (l *stream) left(what string, i int) {
	l.b.t.Helper()
	eventually(l.b.t, what+": the others get the requests", func() bool { return l.shares(100)[i] < 5 })
}

// even waits until all upstreams get the same again.
func (l *stream) even(what string) {
	l.b.t.Helper()
	var got [3]float64
	eventually(l.b.t, what+": equal shares", func() bool {
		got = l.shares(600)
		for _, part := range got {
			if part < 100.0/3-5 || part > 100.0/3+5 {
				return false
			}
		}
		return true
	})
}

// One of three upstreams dies, hangs, answers 500, becomes slow, and comes back each time: no GET fails, the others
// get its requests, and it gets its share again.
func TestUpstreamTroubles(t *testing.T) {
	t.Parallel()
	b := newTrio(t, `retry_on = ["error", "timeout", 500]
read_timeout = "10s"
eject_time = "1s"
[route.health]
path = "/alive"
interval = "300ms"
timeout = "4s"
`)
	l := b.load(12)
	defer l.end()
	l.even("at first")
	for i, trouble := range []struct {
		what       string
		begin, end func(i int)
		state      string // that it gets
	}{
		{"it dies", func(i int) {
			b.procs[i].expect(-1)
			_ = syscall.Kill(b.procs[i].Pid, syscall.SIGKILL)
			<-b.procs[i].done
		}, b.boot, "unhealthy"},
		{"it hangs", func(i int) { _ = syscall.Kill(b.procs[i].Pid, syscall.SIGSTOP) }, func(i int) { _ = syscall.Kill(b.procs[i].Pid, syscall.SIGCONT) }, "unhealthy"},
		{"it answers 500", func(i int) { b.mode(i, "500") }, func(i int) { b.mode(i, "ok") }, "unhealthy"},
		{"it is slow", func(i int) { b.mode(i, "slow") }, func(i int) { b.mode(i, "ok") }, ""},
	} {
		at := i % 3
		trouble.begin(at)
		l.left(trouble.what, at)
		if trouble.state != "" {
			eventually(t, trouble.what+": "+trouble.state, func() bool { return b.status()[at].State == trouble.state })
		}
		trouble.end(at)
		eventually(t, trouble.what+": it is back", func() bool { return b.status()[at].State == "available" })
		l.even(trouble.what + ", and is back")
		if t.Failed() {
			return
		}
	}
	b.front.waitEvent("upstream_ejected")
	b.front.waitEvent("upstream_returned")
	b.front.waitEvent("upstream_check_failed")
	retried := b.front.waitEvent("upstream_retried")
	if retried.str("id") == "" || retried.str("upstream") == "" || retried.str("reason") == "" {
		t.Errorf("%v", retried)
	}
	eventually(t, "the page has three that are available", func() bool {
		page := b.front.must("status")
		return strings.Count(page, "available") == 3 && strings.Contains(page, "checked ")
	})
}

// All three are restarted one after the other under load: nothing fails, POSTs included.
func TestUpstreamsRestart(t *testing.T) {
	t.Parallel()
	b := newTrio(t, "[route.health]\ninterval = \"200ms\"\n")
	l := &load{s: b.front, rate: 150, clients: 8, posts: 0.3}
	l.begin()
	for i := range b.procs {
		if code := b.procs[i].stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		b.boot(i)
		before := b.status()[i].Requests
		eventually(t, "it gets requests again", func() bool { return b.status()[i].Requests > before+3 })
	}
	sent, failed := l.end()
	if len(failed) > 0 || sent == 0 {
		t.Errorf("of %d requests %d failed: %v", sent, len(failed), failed[:min(len(failed), 9)])
	}
}
