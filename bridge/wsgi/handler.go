package wsgi

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/shim"
)

// Pool is where workers come from.
type Pool interface {
	// Acquire waits in the queue for a worker. It returns *shim.QueueFull,
	// shim.ErrQueueTimeout, shim.ErrNoWorkers, shim.ErrStopping, or ctx's error;
	// each may be wrapped. Label.Attempt above 1: the request has waited before,
	// and goes to the front. The caller closes the exchange.
	Acquire(ctx context.Context, l shim.Label) (*shim.Exchange, error)
	// Admit refuses as Acquire would refuse now, without waiting. It is asked
	// before a body is read.
	Admit() error
}

// Options are one app's settings.
type Options struct {
	// App is the app's name, for logs.
	App string
	// Mount is the path under which the app lives; "" and "/": all.
	Mount string
	// Pool is the app's workers.
	Pool Pool
	// Spool holds request bodies; nil: one of its own with the defaults.
	Spool *spool.Spool
	// Answers holds what slow clients have not taken of their answers; nil: some of
	// its own with the defaults, and files beside those of Spool.
	Answers *spool.Pipes
	// Unbuffered: the app runs while its request body comes; a slow client holds
	// a worker.
	Unbuffered bool
	// MaxBody bounds a request body in bytes, chunked ones too; 0: no limit.
	MaxBody int64
	// BodyPace is how slow a client may be with its body.
	BodyPace httpx.Pace
	// Timeout is how long the app may take from the request's sending to the
	// first byte of its body, or its end; 0: no limit. The wait for a worker does not
	// count, nor does the time in which the worker has all that has come of an
	// unbuffered body.
	Timeout time.Duration
	// StreamTimeout is how long the app may be silent within its answer; 0: no
	// limit. The time in which the client takes nothing does not count.
	StreamTimeout time.Duration
	// CancelOnDisconnect: when a client leaves before its answer has begun, the
	// app's work for it is interrupted. Otherwise the app finishes its work.
	CancelOnDisconnect bool
	// Concurrent: a worker runs several requests at a time.
	Concurrent bool
	// NoRetry: nothing that has started is run a second time.
	NoRetry bool
	// Give makes a large body's file the property of the user that the app's workers
	// run as; nil: they run as this process does.
	Give func(*os.File) error
	// SendfileRoots are the absolute folders of which the app's X-Sendfile may name
	// files; none: the field passes like any other.
	SendfileRoots []string
	// Underscores are the fields with "_" in their names that the app gets
	// (cgi.Underscores); nil: none.
	Underscores map[string]string
	// Internal says what X-Accel-Redirect may name; none: the field passes.
	Internal []Internal
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
	// Failed may answer a request that has failed, in the place of Pages, or return a text for them; nil: it does not, and Pages
	// answer. Nothing of an answer has gone out then. It is for the development mode.
	Failed func(w *httpx.Writer, r *http.Request, status int, err error) (text string, answered bool)
	// Log gets answer_spool, app_error, bad_response, request_failed,
	// request_retried, field_dropped, hop_by_hop_removed, content_length_mismatch,
	// early_hints_dropped, sendfile_refused, spool_full, spool_not_given,
	// websocket_ignored; nil: nothing is logged.
	Log hclog.Logger
}

// maxTries bounds how many workers may leave before they have the same request:
// they cannot keep it for ever.
const maxTries = 3

// Handler serves one app.
type Handler struct {
	o         Options
	said      said
	scratches sync.Pool // *scratch
}

// New makes an app's Handler.
func New(o Options) *Handler {
	if o.Spool == nil {
		o.Spool = &spool.Spool{}
	}
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	o.Mount = strings.TrimRight(o.Mount, "/")
	if o.Answers == nil {
		o.Answers = &spool.Pipes{Spool: o.Spool, Memory: 256 << 10, Total: 64 << 20, Max: 256 << 20}
	}
	h := &Handler{o: o}
	h.said.spoolFull.Every, h.said.answersFailed.Every = time.Minute, time.Minute
	return h
}

// scratch is the memory of one request. It is used again.
type scratch struct {
	request  request
	attempt  attempt
	response response
	log      records
}

// ServeHTTP is the life of one request: the body first, then a worker, then the
// answer. It aborts the answer (httpx.Writer) when it cannot be ended properly, so
// that the client can tell.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := httpx.Find(w)
	if rec == nil { // used without the chain
		rec = new(httpx.Writer)
		rec.Reset(w)
		rec.Info = *httpx.Of(w)
	}
	s, ok := h.scratches.Get().(*scratch)
	if !ok {
		s = new(scratch)
	}
	info := &rec.Info
	s.log = records{h.o.Log, &h.said, h.o.App, info, r}
	s.request.begin(&h.o, rec, r)
	s.response.begin(&h.o, &s.log, rec, r)
	defer h.free(s)
	info.App, info.Source = h.o.App, "app"
	if r.Header["Upgrade"] != nil {
		s.log.websocketIgnored()
	}
	err := h.receive(&s.request)
	if err == nil {
		err = h.run(s)
	}
	if err != nil {
		h.fail(s, err)
	}
	if !rec.Aborted() {
		s.settle()
	}
}

// receive reads the whole request body before a worker is taken, so that a slow client
// holds none, unless the app wants it as it comes. Refusals come before the first read.
func (h *Handler) receive(q *request) error {
	if !q.body.Present() {
		return nil
	}
	if err := q.body.Check(); err != nil {
		return err
	}
	if h.o.Unbuffered {
		q.stream = true // Acquire comes first, and refuses
		q.info.BodyWanted = true
		return nil
	}
	if err := h.o.Pool.Admit(); err != nil {
		return err
	}
	return q.body.Buffer()
}

// run gives the request to a worker, and to another one when that has left before
// it had it, or has given it back. It is the only place where a request is given
// out twice.
func (h *Handler) run(s *scratch) error {
	q := &s.request
	if dropped := q.variables(&h.o); dropped != nil {
		s.log.fieldsDropped(dropped)
	}
	for try, left := 1, 0; ; try++ {
		err := h.try(s, try)
		switch {
		case errors.Is(err, errAgain): // comes once
			q.runAgain()
		case !errors.Is(err, shim.ErrNotStarted), s.attempt.upload != nil: // else a part of the body would be missing
			return err
		case errors.Is(err, shim.ErrRecalled): // a pool waits for an idle worker then
			q.info.Recalls++
		default:
			if left++; left == maxTries {
				return err
			}
			q.info.Recalls++
		}
	}
}

// try is one attempt: a worker, the request, the answer. An error means that no byte
// of an answer has gone out, or it wraps errCut.
func (h *Handler) try(s *scratch, n int) error {
	a, info := &s.attempt, s.request.info
	start := time.Now()
	err := a.open(&h.o, &s.request, n)
	info.Wait += time.Since(start)
	if err != nil {
		s.request.refused(h.o.App, start, err)
		return err
	}
	info.Worker, info.Asked = a.x.Worker(), a.deadline.From
	run, why := s.request.begun(start), ""
	if err = h.converse(s); err != nil {
		why, err = a.verdict(s.request.r.Context(), err)
	}
	if errors.Is(err, errAgain) {
		s.log.retried(why)
	}
	run.end(s, err, why)
	return err
}

// converse sends the request and passes the answer on.
func (h *Handler) converse(s *scratch) (err error) {
	a := &s.attempt
	defer func() {
		a.end(err)
		s.request.info.Run = a.x.Ran()
	}()
	if err = a.send(&s.request, &s.log); err == nil {
		err = s.response.pass(a)
	}
	return err
}

// fail answers an error, or breaks the connection when the answer has begun, or
// when there is no client left to read one.
func (h *Handler) fail(s *scratch, err error) {
	info, p := s.request.info, &s.response
	info.Err = err
	if p.pump.done == nil { // else it has told
		s.log.report(h.o.Spool, err)
	}
	if errors.Is(err, errCut) {
		p.w.Abort()
		return
	}
	v := judge(err)
	if v.status == httpx.StatusClientGone {
		info.Status = httpx.StatusClientGone
		p.w.Abort()
		return
	}
	if v.close {
		p.w.Header()["Connection"] = []string{"close"}
	}
	if v.server {
		info.Source = "server"
	}
	if s.request.body.Pending() || s.uploadFailed() {
		s.request.body.Refuse(p.w.Header())
	}
	if h.o.Failed != nil {
		text, answered := h.o.Failed(p.w, p.r, v.status, err)
		if answered {
			return
		}
		if text != "" {
			v.text = text
		}
	}
	h.o.Pages.Write(p.w, p.r, v.status, v.text, v.retryAfter)
}

// uploadFailed reports whether a body that came while the app ran will not be complete;
// the goroutine that reads it has ended then.
func (s *scratch) uploadFailed() bool {
	u := s.attempt.upload
	if u == nil || s.request.body.Err() == nil {
		return false
	}
	<-u.done
	return true
}

// settle waits until the client has sent the rest of its body. The answer is on
// its way by then, all but the last chunk of one whose length was not known.
func (s *scratch) settle() {
	u := s.attempt.upload
	if u == nil {
		return
	}
	q := &s.request
	select {
	case <-u.done:
	default:
		if s.response.w.FlushError() != nil {
			q.body.Cut()
		} else {
			q.body.AnsweredEarly()
		}
		<-u.done
	}
	if !q.body.Complete() {
		s.response.w.EndConnection() // what comes on it is the rest of a body
	}
}

// free gives everything back; no path leaves without it. A body that still comes is cut
// off.
func (h *Handler) free(s *scratch) {
	if u := s.attempt.upload; u != nil {
		s.request.body.Cut()
		<-u.done
	}
	s.request.free()
	s.attempt, s.response, s.log = attempt{}, response{}, records{}
	h.scratches.Put(s)
}
