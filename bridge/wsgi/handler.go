package wsgi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/body"
	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/logtext"
	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// Pool is where workers come from.
type Pool interface {
	// Acquire waits in line for a worker. It returns *shim.QueueFull,
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
	// MaxBody bounds a request body in octets, chunked ones too; 0: no limit.
	MaxBody int64
	// BodyPace is how slow a client may be with its body.
	BodyPace httpx.Pace
	// Timeout is how long the app may take from the request's sending to the
	// first octet of its body, or its end; 0: no limit. Waiting in line does not
	// count, nor does the time in which the worker has all that has come of an
	// unbuffered body.
	Timeout time.Duration
	// StreamTimeout is how long the app may be silent within its answer; 0: no
	// limit. The time in which the client takes nothing does not count.
	StreamTimeout time.Duration
	// CancelOnDisconnect: when a client leaves before its answer has begun, the
	// app's work for it is interrupted. Otherwise it goes on, for nobody.
	CancelOnDisconnect bool
	// Shared: a worker runs several requests at a time.
	Shared bool
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
	// Log gets answer_spool, app_error, bad_response, request_failed,
	// request_retried, field_dropped, hop_by_hop_removed, content_length_mismatch, early_hints_dropped, sendfile_refused,
	// spool_full, websocket_ignored;
	// nil: nobody.
	Log hclog.Logger
}

// maxTries bounds how many workers may leave before they have the same request:
// they cannot keep it for ever.
const maxTries = 3

// Handler serves one app.
type Handler struct {
	Options
	turns sync.Pool // *turn
	// What the log says when Timeout or StreamTimeout has passed after a client left.
	leftTimeout, leftStream string

	hopByHop  httpx.LogLimiter
	oddFields httpx.LogLimiter // for ever
	spoolFull httpx.LogLimiter
	websocket atomic.Bool // said once

	spoolTrouble httpx.LogLimiter
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
	left := func(d time.Duration) string { return "still running " + d.String() + " after its client had left" }
	return &Handler{Options: o, leftTimeout: left(o.Timeout), leftStream: left(o.StreamTimeout),
		spoolFull: httpx.LogLimiter{Every: time.Minute}, spoolTrouble: httpx.LogLimiter{Every: time.Minute}}
}

// turn is the state of one request.
type turn struct {
	*Handler
	w      *httpx.Writer
	r      *http.Request
	info   *httpx.RequestInfo
	body   body.Body
	stream bool  // the body goes to the worker while it comes
	feed   *feed // does that; nil: not begun
	vars   []wire.Var
	ran    bool // a worker died while it ran the request
	pump   pump // of an answer that goes on after its first octets
	clock  *clock
	value  []string // room for one more value of the answer's fields
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
	t, ok := h.turns.Get().(*turn)
	if !ok {
		t = &turn{Handler: h, clock: new(clock)}
	}
	t.w, t.r, t.info = rec, r, &rec.Info
	defer t.free()
	t.info.App, t.info.Source = h.App, "app"
	if r.Header["Upgrade"] != nil {
		t.sayWebsocket()
	}
	err := t.takeBody()
	if err == nil {
		err = t.run()
	}
	if err != nil {
		t.fail(err)
	}
	if !rec.Aborted() {
		t.settle()
	}
}

// free gives everything back; no path leaves without it.
func (t *turn) free() {
	if t.feed != nil {
		t.feed.abort()
	}
	t.body.Free()
	clear(t.vars)
	*t = turn{Handler: t.Handler, vars: t.vars[:0], clock: t.clock.free()}
	t.turns.Put(t)
}

// run gives the request to a worker, and to another one when that has left before
// it had it, or has given it back. It is the only place where a request is given
// out twice.
func (t *turn) run() error {
	in := t.cgiInfo()
	t.vars = cgi.AppendVars(t.vars[:0], t.r, &in)
	if in.Dropped != nil {
		t.sayDropped(in.Dropped)
	}
	if t.stream && t.Timeout > 0 { // the worker knows Timeout from its boot; with a feed nobody knows when it is over
		t.vars = append(t.vars, wire.Var{Name: "standpipe.timeout_ms", Value: "0"})
	}
	for try, left := 1, 0; ; try++ {
		err := t.once(try)
		switch {
		case errors.Is(err, errAgain): // comes once
			t.ran = true
			t.info.Retries++
			t.vars = append(t.vars, wire.Var{Name: "standpipe.attempt", Value: "2"})
		case errors.Is(err, shim.ErrRecalled): // a pool waits for an idle worker then
			t.info.Recalls++
		case errors.Is(err, shim.ErrNotStarted):
			if left++; left == maxTries {
				return err
			}
			t.info.Recalls++
		default:
			return err
		}
	}
}

func (t *turn) cgiInfo() cgi.Info {
	n := t.info
	in := cgi.Info{ID: n.ID, Scheme: n.Scheme, ScriptName: t.Mount, Prefix: n.Prefix, RemoteAddr: n.RemoteAddr, RemotePort: n.RemotePort,
		ServerName: n.ServerName, ServerPort: n.ServerPort, Allowed: t.Underscores}
	if b := t.body.Buffered(); b != nil {
		in.BodySize = b.Size()
	} else if t.stream {
		in.BodySize = -1
	}
	in.Relay(n.ScriptName, n.Named, n.Extra)
	return in
}

// mostDropped bounds the records about fields' names that one request writes; the next request may write as many.
const mostDropped = 8

// sayDropped tells of fields that do not reach the app because of their names, each
// once for the app: the client thinks that it has sent a key, and the app has none.
func (t *turn) sayDropped(fields []string) {
	said := 0
	for _, name := range fields {
		if said == mostDropped {
			return
		}
		name = strings.ToLower(logtext.Cut(name, logtext.Word))
		if !t.oddFields.Allow(name, time.Now()) {
			continue
		}
		said++
		dashed := strings.ReplaceAll(name, "_", "-")
		hint := "send " + dashed + " instead, which is the same variable, or allow it: underscore_fields = [\"" + name + "\"] (said once per name and app)"
		if !cgi.IsVariable(dashed) {
			hint = "a variable's name has letters, digits and underscores only: rename the field (said once per name and app)"
		}
		t.Log.Warn("field_dropped", "app", t.App, "field", name, "client", t.info.RemoteAddr, "id", t.info.ID, "hint", hint)
	}
}

// once is one try: a worker, the request, the answer. An error means that no
// octet of an answer has gone out, or it wraps errCut.
func (t *turn) once(try int) (err error) {
	start := time.Now()
	x, err := t.Pool.Acquire(t.r.Context(), shim.Label{ID: t.info.ID, Method: t.r.Method, Target: t.r.RequestURI, Client: t.info.RemoteAddr, Start: t.info.Start, Attempt: try, Again: t.again()})
	sent := time.Now()
	t.info.Wait += sent.Sub(start)
	if err != nil {
		if t.r.Context().Err() != nil {
			return httpx.ErrClientGone
		}
		return err
	}
	t.info.Worker = x.Worker()
	defer func() {
		if t.CancelOnDisconnect && errors.Is(err, httpx.ErrClientGone) {
			x.Abandon()
		}
		t.close(x)
		t.info.Run = x.Ran()
	}()
	return t.lost(t.r.Context(), x, t.converse(x))
}

// close ends the exchange. The client may have left while the app runs on. That is
// allowed, but a worker must not be lost to a view that hangs. Once its answer has
// begun the app may be silent for as long as it likes: where others run beside it,
// they are not to lose their worker over a client that has left it.
func (t *turn) close(x *shim.Exchange) {
	limit, why := t.Timeout, t.leftTimeout
	if t.Shared && x.Begun() {
		limit, why = t.StreamTimeout, t.leftStream
	}
	t.clock.part()
	x.CloseWithin(limit, why)
}

// fail answers an error, or breaks the connection when the answer has begun, or
// when nobody is there to read one.
func (t *turn) fail(err error) {
	t.info.Err = err
	if t.pump.done == nil { // else it has told
		t.report(err)
	}
	if errors.Is(err, errCut) {
		t.w.Abort()
		return
	}
	v := judge(err)
	if v.status == httpx.StatusClientGone {
		t.info.Status = httpx.StatusClientGone
		t.w.Abort()
		return
	}
	if v.close {
		t.w.Header()["Connection"] = []string{"close"}
	}
	if v.server {
		t.info.Source = "server"
	}
	if t.body.Pending() || t.feed != nil && t.feed.failed() {
		t.body.Refuse(t.w.Header())
	}
	t.Pages.Write(t.w, t.r, v.status, v.text, v.retryAfter)
}

// place is the app's own innermost frame in an error of its; empty: unknown.
func place(e *wire.AppError) string {
	if e.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d in %s", e.File, e.Line, e.Function)
}

// report writes the record of an error that somebody has to look at.
func (t *turn) report(err error) {
	var app *wire.AppError
	var bad *badResponse
	switch {
	case errors.As(err, &app):
		t.Log.Error("app_error", "app", t.App, "id", t.info.ID, "method", t.r.Method, "target", t.r.RequestURI, "worker", t.info.Worker,
			"error", app.Error(), "at", place(app), "traceback", strings.TrimRight(app.Traceback, "\n"))
	case errors.As(err, &bad):
		t.Log.Error("bad_response", "app", t.App, "id", t.info.ID, "method", t.r.Method, "target", t.r.RequestURI, "worker", t.info.Worker,
			"error", bad.reason)
	case errors.Is(err, spool.ErrDiskFull):
		t.saySpoolFull("no room on the disk for request bodies: answered 507", err)
	case errors.Is(err, spool.ErrFull):
		t.saySpoolFull("request bodies fill spool_total, or one client has its share of it: answered 503", err)
	case judge(err).unknown:
		t.Log.Error("request_failed", "app", t.App, "id", t.info.ID, "method", t.r.Method, "target", t.r.RequestURI, "worker", t.info.Worker,
			"error", err)
	}
}

// saySpoolFull tells once a minute: a client can repeat it at will.
func (t *turn) saySpoolFull(what string, err error) {
	if t.spoolFull.Allow(what, time.Now()) {
		t.Log.Error("spool_full", "app", t.App, "id", t.info.ID, "dir", t.Spool.Folder(), "used", t.Spool.Used(), "client", t.info.RemoteAddr, "error", err, "hint", what)
	}
}

// sayWebsocket tells once that WebSocket does not reach a WSGI app: PEP 3333 has
// no way for it. The request is an ordinary GET.
func (t *turn) sayWebsocket() {
	for _, v := range t.r.Header["Upgrade"] {
		if strings.Contains(strings.ToLower(v), "websocket") && !t.websocket.Swap(true) {
			t.Log.Warn("websocket_ignored", "app", t.App, "id", t.info.ID, "target", t.r.RequestURI,
				"hint", "a WSGI app cannot speak WebSocket; the request was handed on as an ordinary GET (said once per app)")
		}
	}
}
