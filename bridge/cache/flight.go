package cache

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/trace"
)

// flight is a fetch that is under way. Its goroutine belongs to the Cache.
type flight struct {
	s      *stage
	key    Key
	class  Key // of the requests that may wait for it
	url    string
	vary   []rules.Selector // what a request must have in common with it, as far as is known before the head has come
	query  rules.Request
	about  rules.Request // what counts of it for stored
	asked  http.Header   // of the first client
	path   string
	stored *Answer // that is validated; nil: none
	alone  bool    // no other request waits for it
	asks   bool    // the request has its validators
	r      *http.Request
	began  time.Time
	cancel context.CancelFunc
	unlock func() // ends the lock that other servers respect; nil: there is none

	transfer transfer
	first    *reader // of the client that leads
	sink     sink
	rec      httpx.Writer
	trace    *trace.Request // of the fetch; nil: it is not recorded
	decided  chan struct{}  // closed when the verdict is known
	over     chan struct{}  // closed when the fetch has ended
	informal chan informal  // 1xx responses for the first client; nil: there is none

	mu      sync.Mutex
	verdict verdict
	waiting int  // clients that wait for the head or read the body
	behind  bool // it goes on without clients
	full    bool // it takes no more clients
	head    *head
	kept    []httpx.Field // what of its fields is stored
	terms   rules.Terms
	chosen  []rules.Selector // the Vary of the response
	answer  *Answer          // of confirmed and fetched
	info    httpx.RequestInfo
	purged  []Purge     // that came meanwhile
	lost    atomic.Bool // what is validated was dropped meanwhile
}

// informal is a 1xx response.
type informal struct {
	status int
	fields http.Header
}

// result is what a flight's head says.
type result struct {
	verdict verdict
	head    *head
	kept    []httpx.Field
	terms   *rules.Terms
	chosen  []rules.Selector
	answer  *Answer
	server  bool // the server itself has made the response
}

// result returns what is known. It does not change once decided is closed.
func (f *flight) result() result {
	f.mu.Lock()
	defer f.mu.Unlock()
	return result{f.verdict, f.head, f.kept, &f.terms, f.chosen, f.answer, f.info.Source == "server"}
}

// status is that of the response; 0: there is none.
func (r *result) status() int {
	if r.head == nil {
		return 0
	}
	return r.head.status
}

// leave is for a client that needs the fetch no more. Without any client it ends, unless its response is stored.
func (f *flight) leave() {
	f.mu.Lock()
	f.waiting--
	idle := f.waiting == 0 && !f.behind && f.verdict != shared
	f.mu.Unlock()
	if idle {
		f.sink.gone()
		f.cancel()
	}
}

// detach has the fetch go on without clients.
func (f *flight) detach() {
	f.mu.Lock()
	f.behind = true
	f.mu.Unlock()
}

// decide publishes what the head says. The first call counts.
func (f *flight) decide(v verdict, set func()) {
	f.mu.Lock()
	if f.verdict != unknown {
		f.mu.Unlock()
		return
	}
	f.verdict = v
	if set != nil {
		set()
	}
	f.info = f.rec.Info
	idle := f.waiting == 0 && !f.behind && v != shared
	f.mu.Unlock()
	close(f.decided)
	if idle {
		f.cancel()
	}
}

// inform copies what is known of the fetch to a client's RequestInfo.
func (f *flight) inform(to *httpx.RequestInfo) {
	f.mu.Lock()
	defer f.mu.Unlock()
	from := &f.info
	to.App, to.Worker, to.Source, to.Upstream = from.App, from.Worker, from.Source, from.Upstream
	to.Asked, to.Wait, to.Run, to.Retries, to.Recalls = from.Asked, from.Wait, from.Run, from.Retries, from.Recalls
	if from.Err != nil {
		to.Err = from.Err
	}
	if from.Status != 0 {
		to.Status = from.Status
	}
}

// flights are the fetches that are under way.
type flights struct {
	mu      sync.Mutex
	byKey   map[Key][]*flight    // those that requests may join, by class
	running map[*flight]struct{} // all
}

// mostFlights bounds the fetches that are under way. Beyond it requests pass.
const mostFlights = 4096

// join returns the flight that a request of that class may wait for, or the one that make makes and that it leads; nil: there
// are too many.
func (t *flights) join(class Key, h http.Header, set *rules.Settings, alone bool, make func() *flight) (f *flight, leads bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.byKey[class] {
		if !alone && rules.Matches(f.vary, h, set) && f.enter() {
			return f, false
		}
	}
	if len(t.running) >= mostFlights || make == nil {
		return nil, false
	}
	f = make()
	if f == nil {
		return nil, false
	}
	if t.byKey == nil {
		t.byKey, t.running = map[Key][]*flight{}, map[*flight]struct{}{}
	}
	t.byKey[class] = append(t.byKey[class], f)
	t.running[f] = struct{}{}
	return f, true
}

// enter adds a client; false: the response is not one for others, or a purge has come meanwhile, perhaps of this client.
func (f *flight) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.verdict != unknown && f.verdict != shared || f.full || f.alone || len(f.purged) > 0 {
		return false
	}
	f.waiting++
	return true
}

// ended takes out a flight whose goroutine ends.
func (t *flights) ended(f *flight) {
	t.remove(f)
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.running, f)
}

// remove has no more requests join f.
func (t *flights) remove(f *flight) {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.byKey[f.class]
	for i, other := range list {
		if other == f {
			if len(list) == 1 {
				delete(t.byKey, f.class)
			} else {
				t.byKey[f.class] = append(list[:i:i], list[i+1:]...)
			}
			return
		}
	}
}

// purge tells the flights that an answer of theirs may be out of date when it has come.
func (t *flights) purge(p Purge) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for f := range t.running {
		if p.Group != "" || p.Matches(f.s.o.App, f.url, nil) {
			f.mu.Lock()
			f.purged = append(f.purged, p)
			f.mu.Unlock()
		}
	}
}

// lose tells the flights that validate an answer of k that it is not stored any more. a is the answer; nil: all are meant.
func (t *flights) lose(k Key, a *Answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for f := range t.running {
		if f.stored != nil && f.key == k && (a == nil || f.stored.like(a)) {
			f.lost.Store(true)
		}
	}
}

// cancel cancels all flights.
func (t *flights) cancel() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for f := range t.running {
		f.sink.gone()
		f.cancel()
	}
}
