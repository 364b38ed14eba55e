package cache_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// origin answers at random, and tells the model what it has answered.
type origin struct {
	m *model

	mu     sync.Mutex
	rand   *rand.Rand
	serial int
	latest map[string]*answered // by path and selecting fields
}

// one of some values.
func one[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// says is a random answer: its status and its fields.
func (o *origin) says(r *http.Request) (status int, h http.Header) {
	h = http.Header{}
	now := time.Now()
	put := func(name string, values ...string) {
		if v := one(o.rand, values...); v != "" {
			h.Set(name, v)
		}
	}
	n := func(most int) string { return strconv.Itoa(o.rand.IntN(most)) }
	var says []string
	for _, d := range []string{
		one(o.rand, "max-age="+n(20), "max-age="+n(20), "s-maxage="+n(20), "public", "", ""), one(o.rand, "", "", "", "", "", "private", "no-store", "no-cache"),
		one(o.rand, "", "", "", "must-revalidate", "proxy-revalidate", "stale-while-revalidate="+n(20), "stale-if-error="+n(30)),
	} {
		if d != "" {
			says = append(says, d)
		}
	}
	if len(says) > 0 {
		h.Set("Cache-Control", strings.Join(says, ", "))
	}
	put("Date", now.UTC().Format(http.TimeFormat), now.UTC().Format(http.TimeFormat), "")
	put("Expires", "", "", "", "0", now.Add(time.Duration(o.rand.IntN(20))*time.Second).UTC().Format(http.TimeFormat))
	put("Last-Modified", "", "", now.Add(-time.Duration(o.rand.IntN(200))*time.Second).UTC().Format(http.TimeFormat))
	put("Age", "", "", "", n(10))
	put("Vary", "", "", "X-Kind", "X-Kind, X-Other", "*")
	put("Set-Cookie", "", "", "", "", "", "", "", "session="+r.Header.Get("X-Client"))
	return one(o.rand, 200, 200, 200, 200, 200, 200, 404, 301, 302, 500, 503), h
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	o.mu.Lock()
	wait := time.Duration(one(o.rand, 0, 0, 10, 300, 2500)) * time.Millisecond
	o.mu.Unlock()
	time.Sleep(wait)
	o.mu.Lock()
	status, h := o.says(r)
	key := r.URL.Path + "\n" + r.Header.Get("X-Kind") + "\n" + r.Header.Get("X-Other")
	last := o.latest[key]
	if tag := r.Header.Get("If-None-Match"); last != nil && status < 400 && tag != "" && tag == last.header.Get("ETag") && r.Method == http.MethodGet {
		defer o.mu.Unlock()
		delete(h, "Vary") // the answer that it confirms has it
		h.Set("ETag", tag)
		delete(h, "Set-Cookie")
		o.m.freshen(last, r.Header, h, began, time.Now())
		copyTo(w.Header(), h)
		w.WriteHeader(http.StatusNotModified)
		return
	}
	o.serial++
	serial, broken := o.serial, o.rand.IntN(12) == 0
	h.Set("X-Serial", strconv.Itoa(serial))
	if o.rand.IntN(3) > 0 || r.Method == http.MethodHead { // so that a HEAD confirms nothing
		h.Set("ETag", fmt.Sprintf(`"%d"`, serial))
	}
	a := &answered{serial: serial, path: r.URL.Path, method: r.Method, request: r.Header.Clone(), status: status, header: h.Clone(), sent: began, received: time.Now(), whole: !broken,
		client: r.Header.Get("X-Client"), private: strings.Contains(h.Get("Cache-Control"), "private")}
	if status == 200 && r.Method == http.MethodGet {
		o.latest[key] = a
	}
	o.mu.Unlock()
	o.m.answer(a)
	body := bodyOf(serial, r.Header.Get("X-Client"))
	copyTo(w.Header(), h)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if broken {
		o.m.end(a, time.Now())
		_, _ = w.Write([]byte(body[:len(body)/2]))
		httpx.Abort(w)
		return
	}
	_, _ = w.Write([]byte(body[:len(body)/2]))
	time.Sleep(wait / 2)
	_, _ = w.Write([]byte(body[len(body)/2:]))
	o.m.end(a, time.Now())
}

func copyTo(to, from http.Header) {
	for name, values := range from {
		to[name] = values
	}
}

// bodyOf names the client whose request was answered.
func bodyOf(serial int, client string) string {
	return strings.Repeat(fmt.Sprintf("%d for %s\n", serial, client), 1+serial%50)
}

// client is a ResponseWriter that remembers.
type client struct {
	header http.Header
	status int
	head   time.Time
	body   strings.Builder
}

func (c *client) Header() http.Header { return c.header }

func (c *client) WriteHeader(status int) {
	if c.status == 0 && status >= 200 {
		c.status, c.head = status, time.Now()
		c.header = c.header.Clone()
	}
}

func (c *client) Write(p []byte) (int, error) {
	c.WriteHeader(200)
	return c.body.Write(p)
}

// asks is a random request.
func asks(r *rand.Rand, id int64) (method, path string, h http.Header) {
	h = http.Header{"X-Client": {one(r, "ann", "bob", "eve")}, "X-Request": {strconv.FormatInt(id, 10)}}
	for name, v := range map[string]string{
		"Cache-Control": one(r, "", "", "", "", "", "", "no-cache", "no-store", "only-if-cached", "max-age="+strconv.Itoa(r.IntN(10)), "min-fresh="+strconv.Itoa(r.IntN(10)), "max-stale", "max-stale="+strconv.Itoa(r.IntN(20))),
		"Authorization": one(r, "", "", "", "", "Basic eA=="),
		"X-Kind":        one(r, "", "a", "b"),
		"X-Other":       one(r, "", "", "a"),
	} {
		if v != "" {
			h.Set(name, v)
		}
	}
	return one(r, "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "GET", "HEAD", "POST"), one(r, "/a", "/a", "/b", "/c"), h
}

// Random requests at random times, to a random origin: each response is one that RFC 9111 allows, and what may be reused mostly is.
func TestModel(t *testing.T) {
	var reused, could atomic.Int64
	for range 12 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("%x", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				serveStale := one(rand.New(rand.NewPCG(seed, 2)), 0, 10*time.Second)
				m := &model{serveStale: serveStale, answers: map[int]*answered{}}
				c := cache.New(cache.Options{Memory: 1 << 20, MaxObject: 1 << 20, Wait: 5 * time.Second, PassFor: time.Millisecond})
				defer c.Close()
				h := c.Stage(cache.StageOptions{App: "a", Settings: rules.Settings{ServeStale: serveStale}})(&origin{m: m, rand: rand.New(rand.NewPCG(seed, 0)), latest: map[string]*answered{}})
				r := rand.New(rand.NewPCG(seed, 1))
				var clients sync.WaitGroup
				for id := range int64(400) {
					method, path, fields := asks(r, id)
					leaves := time.Duration(0)
					if r.IntN(20) == 0 {
						leaves = time.Duration(1+r.IntN(1000)) * time.Millisecond
					}
					clients.Go(func() {
						reuse, possible := ask(t, h, m, method, path, fields, leaves)
						if reuse {
							reused.Add(1)
						}
						if possible {
							could.Add(1)
						}
					})
					time.Sleep(time.Duration(one(r, 0, 0, 1, 300, 1100, 4000)) * time.Millisecond)
				}
				clients.Wait()
			})
		})
	}
	t.Logf("reused %d, could have reused %d", reused.Load(), could.Load())
	if reused.Load()*2 < could.Load() {
		t.Error("less than half of the requests that a stored answer could have served got one")
	}
}

// ask is one client. It leaves after that time; 0: it stays.
func ask(t *testing.T, h http.Handler, m *model, method, path string, fields http.Header, leaves time.Duration) (reused, could bool) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if leaves > 0 {
		timer := time.AfterFunc(leaves, cancel)
		defer timer.Stop()
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://shop.example"+path, http.NoBody)
	if err != nil {
		t.Error(err)
		return false, false
	}
	req.Header, req.RequestURI = fields.Clone(), path
	read := &reading{method: method, path: path, request: fields, began: time.Now()}
	c := &client{header: http.Header{}}
	rec := new(httpx.Writer)
	rec.Reset(c)
	rec.Info.Scheme = "http"
	h.ServeHTTP(rec, req)
	if ctx.Err() != nil || rec.Aborted() {
		return false, false
	}
	if c.status == 0 {
		t.Errorf("%s %s %v: no answer", method, path, fields)
		return false, false
	}
	read.head, read.status, read.header = c.head, c.status, c.header
	read.serial, _ = strconv.Atoi(c.header.Get("X-Serial"))
	wrong, reused, could := m.judge(read)
	if wrong != "" {
		m.mu.Lock()
		a := m.answers[read.serial]
		t.Errorf("at %v: %s %s %v\ngot %d %v\nwhich %s:%s", read.head, method, path, fields, c.status, c.header, wrong, m.history(read, a))
		m.mu.Unlock()
	}
	m.mu.Lock()
	a := m.answers[read.serial]
	m.mu.Unlock()
	if a == nil {
		return reused, could
	}
	if a.private && a.client != fields.Get("X-Client") {
		t.Errorf("%s got an answer for %s alone", fields.Get("X-Client"), a.client)
	}
	if want := bodyOf(read.serial, a.client); method == http.MethodGet && c.status != http.StatusNotModified && c.body.String() != want && a.whole {
		t.Errorf("%s: answer %d is %q, want %q", path, read.serial, c.body.String(), want)
	}
	return reused, could
}
