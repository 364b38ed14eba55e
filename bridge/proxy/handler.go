package proxy

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/body"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
)

// Options are one route's settings.
type Options struct {
	// Path is the route's: "" or "/legacy", no slash at the end. Strip: an upstream
	// does not see it in the path.
	Path  string
	Strip bool
	// Upstreams are used in turn; 1 to 64.
	Upstreams []*Upstream
	// Spool holds request bodies; nil: one of its own with the defaults.
	Spool *spool.Spool
	// Unbuffered: a request body goes on as it comes, if its length is known or all
	// upstreams speak HTTP.
	Unbuffered bool
	// MaxBody bounds a request body in octets; 0: no limit.
	MaxBody int64
	// BodyPace is how slow a client may be with its body.
	BodyPace httpx.Pace
	// ReadTimeout is how long an upstream may be silent within its answer; 0: no limit.
	ReadTimeout time.Duration
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
	// Log gets upstream_failed, upstream_skipped and field_dropped; nil: nobody.
	Log hclog.Logger

	oddFields *httpx.LogLimiter // for ever
}

// MaxUpstreams is how many upstreams one route may have.
const MaxUpstreams = 64

// speakHTTP: all upstreams do.
func (o *Options) speakHTTP() bool {
	for _, u := range o.Upstreams {
		if !u.speaksHTTP() {
			return false
		}
	}
	return true
}

// stripped is what is cut off the path; empty: nothing.
func (o *Options) stripped() string {
	if !o.Strip {
		return ""
	}
	return o.Path
}

// Handler is one route.
type Handler struct {
	o     Options
	proxy httputil.ReverseProxy
}

// New makes a route's Handler.
func New(o Options) *Handler {
	if o.Log == nil {
		o.Log = hclog.NewNullLogger()
	}
	if o.Spool == nil {
		o.Spool = &spool.Spool{}
	}
	o.Path = strings.TrimRight(o.Path, "/")
	o.oddFields = new(httpx.LogLimiter)
	h := &Handler{o: o}
	h.proxy = httputil.ReverseProxy{
		Rewrite:        rewrite,
		BufferPool:     &buffers{},
		Transport:      &Group{list: o.Upstreams, log: o.Log, limiter: httpx.LogLimiter{Every: time.Minute}},
		ModifyResponse: func(resp *http.Response) error { return turnOf(resp.Request.Context()).answered(resp) },
		ErrorHandler:   func(_ http.ResponseWriter, r *http.Request, err error) { turnOf(r.Context()).fail(err) },
		ErrorLog:       log.New(io.Discard, "", 0), // turn tells
	}
	return h
}

// buffers are what answers are copied through.
type buffers struct{ pool sync.Pool }

const copySize = 32 << 10 // octets

func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, copySize)
}

func (b *buffers) Put(p []byte) { b.pool.Put(&p) }

// Close closes kept connections. Requests that run go on.
func (h *Handler) Close() {
	for _, u := range h.o.Upstreams {
		if c, ok := u.Transport.(interface{ CloseIdleConnections() }); ok {
			c.CloseIdleConnections()
		}
	}
}

// turn is the state of one request.
type turn struct {
	o      *Options
	w      http.ResponseWriter
	r      *http.Request
	info   *httpx.RequestInfo
	body   body.Body
	ctx    context.Context // of the request to the upstream; nil: not yet
	cancel context.CancelCauseFunc

	upstream *Upstream // that was asked last; nil: none yet
	cut      error     // why the answer ended before its end
}

// ServeHTTP is the life of one request: the body first, then an upstream, then its
// answer. It aborts the answer (httpx.Abort) when it cannot be ended properly, so
// that the client can tell.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t := &turn{o: &h.o, w: w, r: r, info: httpx.Of(w)}
	t.info.Source = "upstream"
	defer func() {
		t.body.Stop()
		t.body.Free() // no read is under way afterwards
	}()
	defer func() {
		if t.cut != nil {
			t.report(t.cut, 0)
		}
	}()
	if err := t.takeBody(); err != nil {
		t.fail(err)
		return
	}
	ctx, cancel := context.WithCancelCause(context.WithValue(r.Context(), turnKey{}, t))
	defer cancel(context.Canceled)
	t.ctx, t.cancel = ctx, cancel
	begun := time.Now()
	defer func() { t.info.Run = time.Since(begun) }()
	upgrade(r)
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler: // how ReverseProxy aborts
			httpx.Abort(w)
		default:
			panic(p)
		}
	}()
	h.proxy.ServeHTTP(&head{ResponseWriter: w, t: t}, r.WithContext(ctx))
}

// answered prepares an upstream's head: fields that the chain has set already are not
// to be there twice.
func (t *turn) answered(resp *http.Response) error {
	ours := t.w.Header()
	delete(resp.Header, "X-Request-Id") // the one that the logs have
	if resp.Header["Server"] != nil {
		delete(ours, "Server")
	}
	httpx.Spell(ours, resp.Header) // at once: ReverseProxy would spell them as net/http does

	if resp.StatusCode == http.StatusSwitchingProtocols { // the body is the connection
		t.info.Status = resp.StatusCode // ReverseProxy writes it past the Writer
		for name, values := range ours {
			resp.Header[name] = values
		}
		return nil
	}
	if resp.Header["Content-Type"] == nil {
		ours["Content-Type"] = nil // no type is invented
	}
	if rec := httpx.Find(t.w); rec != nil {
		if reason, ok := strings.CutPrefix(resp.Status, strconv.Itoa(resp.StatusCode)); ok && httpx.ValidValue(reason) {
			rec.Phrase(resp.StatusCode, strings.TrimPrefix(reason, " "))
		}
	}
	if resp.StatusCode == http.StatusResetContent { // RFC 9110 15.3.6: it has no content, and says so
		_ = resp.Body.Close()
		resp.Body, resp.ContentLength, resp.Trailer = http.NoBody, 0, nil
		resp.Header["Content-Length"] = []string{"0"}
		return nil
	}
	t.watch(resp)
	return nil
}

// cause finds out why a request ended early.
func (t *turn) cause(err error) error {
	switch {
	case t.r.Context().Err() != nil:
		return httpx.ErrClientGone
	case t.body.Err() != nil:
		return t.body.Err()
	case t.ctx != nil && context.Cause(t.ctx) == errSilent:
		return errSilent
	}
	return err
}

// fail answers an error, or breaks the connection when nobody is there to read.
func (t *turn) fail(err error) {
	err = t.cause(err)
	t.info.Err = err
	v := judge(err)
	if v.status == httpx.StatusClientGone {
		t.info.Status = httpx.StatusClientGone
		httpx.Abort(t.w)
		return
	}
	t.report(err, v.status)
	h := t.w.Header()
	if v.client {
		t.info.Source = "server"
		h["Connection"] = []string{"close"} // what follows on it may be the rest of the body
	}
	t.o.Pages.Write(t.w, t.r, v.status, v.text, v.retryAfter)
}

// report writes the one record of a request that an upstream did not answer; status 0:
// it was cut off within its answer.
func (t *turn) report(err error, status int) {
	if t.info.Err == nil {
		t.info.Err = err
	}
	if t.upstream == nil || judge(err).client {
		return
	}
	pairs := []any{"upstream", t.upstream.Name, "id", t.info.ID, "method", t.r.Method, "target", t.r.RequestURI, "error", err}
	if status == 0 {
		t.o.Log.Error("upstream_failed", append(pairs, "hint", "the answer had begun: the connection was cut, so that the client can tell")...)
		return
	}
	t.o.Log.Error("upstream_failed", append(pairs, "status", status)...)
}
