package otlp

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/klauspost/compress/gzip"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// Options are the settings of an Exporter.
type Options struct {
	// URL is where messages are posted to.
	URL *url.URL
	// Fields are those that each post has, such as an API key: name, value, ...
	Fields []string
	// Service is the name of this service, and Attributes are further ones of it: name, value, ...
	Service    string
	Attributes []string
	// Version is the server's.
	Version string
	// Log gets trace_away, trace_back, trace_rejected, trace_dropped; nil: nothing is logged.
	Log hclog.Logger
}

// Times of an Exporter.
const (
	oldest     = 5 * time.Second  // how long a span waits for others
	firstPause = time.Second      // before the second try of a message; the pauses double
	lastPause  = 30 * time.Second // of them; what the collector wishes may be twice as long
	giveUp     = 2 * time.Minute  // how long one message is tried
	flushTime  = 2 * time.Second  // of Close
)

// Exporter sends spans to a collector. Its Observe and Apart never wait: spans that find no room in the queue are dropped.
type Exporter struct {
	o      Options
	queue  queue
	client *http.Client
	about  about
	zip    *gzip.Writer
	out    bytes.Buffer

	ctx     context.Context // of posts
	cancel  context.CancelFunc
	begin   sync.Once
	end     sync.Once
	last    time.Duration // of Close: flushTime, more in tests
	closing chan struct{} // closed by Close
	done    chan struct{} // closed when the goroutine has ended, or none was started

	sent, rejected atomic.Int64
	outage         outage
	told           httpx.LogLimiter // of trace_rejected and trace_dropped
	known          int64            // dropped spans that a record has told of
}

// Stats count spans.
type Stats struct {
	Sent     int64 // that the collector has taken
	Rejected int64 // that it has not
	Dropped  int64 // that did not find room in the queue, or waited too long
	Waiting  int
	Away     bool // the collector does not answer
}

// New makes an Exporter. Start starts it; until then its spans wait.
func New(o Options) *Exporter {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	x := &Exporter{o: o, queue: newQueue(), client: newClient(), about: describe(&o), last: flushTime, closing: make(chan struct{}), done: make(chan struct{}), told: httpx.LogLimiter{Every: time.Minute}}
	x.zip, _ = gzip.NewWriterLevel(&x.out, gzip.BestSpeed) // the level is a legal one
	x.ctx, x.cancel = context.WithCancel(context.Background())
	return x
}

// Start starts the goroutine that sends. Close must be called.
func (x *Exporter) Start() { x.begin.Do(func() { go x.run() }) }

// Close sends what waits, as long as ctx and flushTime allow, and ends the goroutine.
func (x *Exporter) Close(ctx context.Context) {
	x.begin.Do(func() { close(x.done) }) // it was not started
	x.end.Do(func() { close(x.closing) })
	ctx, cancel := context.WithTimeout(ctx, x.last)
	defer cancel()
	defer context.AfterFunc(ctx, x.cancel)()
	<-x.done
	x.cancel()
	x.queue.full.Store(true)
	x.client.CloseIdleConnections()
}

// Stats are its numbers.
func (x *Exporter) Stats() Stats {
	return Stats{Sent: x.sent.Load(), Rejected: x.rejected.Load(), Dropped: x.queue.dropped.Load(), Waiting: x.queue.waiting(), Away: x.outage.now.Load()}
}

// run sends batches when they are full, and every few seconds, until Close; then all that waits.
func (x *Exporter) run() {
	defer close(x.done)
	timer := time.NewTimer(oldest)
	timer.Stop()
	defer timer.Stop()
	for {
		partly := false
		select {
		case <-x.queue.some:
			timer.Reset(oldest)
			continue
		case <-x.queue.ready:
		case <-timer.C:
			partly = true
		case <-x.closing:
			partly = true
		}
		for b := x.queue.take(partly); b != nil; b = x.queue.take(partly) {
			x.deliver(b)
			x.queue.again(b)
			partly = partly || x.isClosing()
		}
		x.tellDropped()
		if x.isClosing() {
			return
		}
	}
}

func (x *Exporter) isClosing() bool {
	select {
	case <-x.closing:
		return true
	default:
		return false
	}
}

// deliver sends a batch, again and again if need be.
func (x *Exporter) deliver(b *batch) {
	body := x.message(b)
	begun, pause := time.Now(), firstPause
	for {
		last := x.isClosing()
		a := x.post(body)
		switch a.verdict {
		case taken:
			x.outage.ended(x)
			x.sent.Add(int64(b.n) - min(a.rejected, int64(b.n)))
			x.rejected.Add(min(a.rejected, int64(b.n)))
			if a.rejected > 0 || a.message != "" {
				x.tellRejected(a, a.rejected)
			}
			return
		case refused:
			x.outage.ended(x)
			x.rejected.Add(int64(b.n))
			x.tellRejected(a, int64(b.n))
			return
		}
		x.outage.began(x, a.err)
		if last || time.Since(begun) > giveUp {
			x.queue.drop(b.n)
			return
		}
		x.pause(max(min(a.after, 2*lastPause), pause/2+rand.N(pause/2)))
		pause = min(2*pause, lastPause)
	}
}

// pause waits, or for Close.
func (x *Exporter) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-x.closing:
	}
}

// outage is a time in which the collector does not answer.
type outage struct {
	now     atomic.Bool
	since   time.Time
	dropped int64 // at its begin
}

func (u *outage) began(x *Exporter, err error) {
	if u.now.Swap(true) {
		return
	}
	u.since, u.dropped = time.Now(), x.queue.dropped.Load()
	x.o.Log.Warn("trace_away", "address", x.o.URL.Redacted(), "error", err)
}

func (u *outage) ended(x *Exporter) {
	if u.now.Swap(false) {
		x.known = x.queue.dropped.Load()
		x.o.Log.Info("trace_back", "address", x.o.URL.Redacted(), "took", time.Since(u.since).Round(time.Millisecond), "dropped", x.known-u.dropped)
	}
}

// tellRejected writes a record of spans that the collector does not want, once a minute.
func (x *Exporter) tellRejected(a answer, n int64) {
	if x.told.Allow("rejected", time.Now()) {
		x.o.Log.Warn("trace_rejected", "address", x.o.URL.Redacted(), "status", a.status, "rejected", n, "error", a.message)
	}
}

// tellDropped writes a record of spans that found no room, once a minute.
func (x *Exporter) tellDropped() {
	if n := x.queue.dropped.Load(); n > x.known && !x.outage.now.Load() && x.told.Allow("dropped", time.Now()) {
		x.o.Log.Warn("trace_dropped", "address", x.o.URL.Redacted(), "dropped", n-x.known)
		x.known = n
	}
}
