package devpage

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

const (
	// maxStreams bounds the browsers that listen at a time.
	maxStreams = 64
	// pulse is the pause between two comments: proxies and laptops that slept find out that nobody is there any more.
	pulse = 15 * time.Second
)

// events tells browsers that the code of an app has changed (reload), is being loaded (waits), or that only a style has (style).
type events struct {
	run     string // another one in each process: versions begin again there
	changes Changes
	files   *Files
	done    <-chan struct{}
	streams atomic.Int32
}

func newEvents(o Options) events {
	b := make([]byte, 6)
	_, _ = rand.Read(b) // never fails
	return events{run: hex.EncodeToString(b), changes: o.Changes, files: o.Files, done: o.Done}
}

// version is that of an app's code now, for a page that is made now.
func (e *events) version(app string) string {
	n := 0
	if e.changes != nil {
		n, _, _ = e.changes.Version(app)
	}
	return e.run + "-" + strconv.Itoa(n)
}

// url is where a page of an app listens.
func (e *events) url(app string) string {
	if e.changes == nil {
		return ""
	}
	return eventsPath + "?" + e.query(app)
}

func (e *events) query(app string) string {
	query := "app=" + url.QueryEscape(app) + "&v=" + e.version(app)
	if e.files != nil {
		styles, others := e.files.versions()
		query += "&styles=" + styles + "&files=" + others
	}
	return query
}

// serve is one browser that listens.
func (e *events) serve(w http.ResponseWriter, r *http.Request) {
	if e.streams.Add(1) > maxStreams {
		e.streams.Add(-1)
		w.Header()["Retry-After"] = []string{"10"}
		answer(w, r, http.StatusServiceUnavailable, "too many pages listen\n")
		return
	}
	defer e.streams.Add(-1)
	httpx.Of(w).Silent = true
	h := w.Header()
	protect(h)
	h["Content-Type"] = []string{"text/event-stream"}
	h["X-Accel-Buffering"] = []string{"no"}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	s := stream{w: w, out: http.NewResponseController(w)}
	if !s.send("retry: 1000\n\n") {
		return
	}
	q := r.URL.Query()
	app, seen := q.Get("app"), q.Get("v")
	var files <-chan string
	if q.Get("live") != "" && e.files != nil {
		var leave func()
		files, leave = e.files.listen()
		defer leave()
		switch styles, others := e.files.versions(); { // what has changed since the page was made
		case q.Get("files") != others:
			s.event("reload")
			return
		case q.Get("styles") != styles:
			s.event("style")
		}
	}
	e.follow(&s, r, app, seen, files)
}

// follow sends events until the client leaves, the server stops, or the page is to be loaded again.
func (e *events) follow(s *stream, r *http.Request, app, seen string, files <-chan string) {
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	waited := false
	for {
		n, waits, changed := 0, false, (<-chan struct{})(nil)
		if e.changes != nil {
			n, waits, changed = e.changes.Version(app)
		}
		switch {
		case waits && !waited:
			s.event("waits")
		case !waits && (seen != e.run+"-"+strconv.Itoa(n)):
			s.event("reload")
			return
		}
		waited = waits
		select {
		case <-changed:
		case what := <-files:
			s.event(what)
		case <-tick.C:
			if !s.send(": \n\n") {
				return
			}
		case <-r.Context().Done():
			return
		case <-e.done:
			return
		}
	}
}

// stream writes events.
type stream struct {
	w   http.ResponseWriter
	out *http.ResponseController
}

func (s *stream) event(name string) { s.send("event: " + name + "\ndata:\n\n") }

func (s *stream) send(text string) bool {
	_, err := s.w.Write([]byte(text))
	return err == nil && s.out.Flush() == nil
}

// Files tells of files that browsers have loaded and that have changed.
type Files struct {
	mu        sync.Mutex
	listeners map[chan string]bool
	// How often styles, and other files, have changed.
	styles, others int
}

// versions are other ones after each change.
func (f *Files) versions() (styles, others string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strconv.Itoa(f.styles), strconv.Itoa(f.others)
}

// Changed is called when the file of path has changed. Styles are exchanged in the pages that are open, other files have them loaded
// again.
func (f *Files) Changed(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what := "reload"
	if strings.HasSuffix(strings.ToLower(path), ".css") {
		what = "style"
		f.styles++
	} else {
		f.others++
	}
	for c := range f.listeners {
		select {
		case c <- what:
		default: // it has not taken what came before, which is enough
		}
	}
}

// listen returns what has changed from now on: "style" or "reload".
func (f *Files) listen() (what <-chan string, leave func()) {
	c := make(chan string, 4)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listeners == nil {
		f.listeners = map[chan string]bool{}
	}
	f.listeners[c] = true
	return c, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.listeners, c)
	}
}
