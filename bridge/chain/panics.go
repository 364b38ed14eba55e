package server

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// ChainOptions are the settings of the way in.
type ChainOptions struct {
	// Access gets a line per request; nil: no access log. The Chain does not
	// close it.
	Access *AccessLog
	// Health answers the health checks; nil: no path is one.
	Health *Health
	// Trust names the proxies that are believed; nil: nobody.
	Trust *Trust
	// Fields are what of a trusted proxy's fields counts; nil: DefaultFields.
	Fields *Fields
	// MaxBody bounds a request body, in octets, by what the request declares; 0:
	// no limit. The handler bounds what is not declared.
	MaxBody int64
	// MaxTarget bounds the request target, in octets; 0: no limit but the head's.
	MaxTarget int
	// ServerHeader is the Server field, when an app sets none; empty: no field.
	ServerHeader string
	// Observe hears of each request after its answer, but for health checks; took is
	// since RequestInfo.Start. It must not keep the Writer, nor block. nil: nobody does.
	Observe func(w *httpx.Writer, took time.Duration)
	// Pages are the error pages; nil: the built-in ones.
	Pages *httpx.Pages
	// Log gets forwarded_ignored and panic; nil: nobody.
	Log hclog.Logger
}

// Chain is what every request goes through before the inner handler gets it.
type Chain struct {
	inner     http.Handler
	access    *AccessLog
	observe   func(*httpx.Writer, time.Duration)
	health    *Health
	trust     *Trust
	forwarder forwarder
	maxBody   int64
	maxTarget int
	server    []string
	pages     *httpx.Pages
	log       hclog.Logger
	recs      sync.Pool        // *httpx.Writer
	large     httpx.LogLimiter // by app: of body_too_large
}

// unwantedBody bounds the time in which a body comes that no handler reads. Who reads a
// body sets deadlines of its own (httpx.BodyReader).
const unwantedBody = 10 * time.Second

// closeField is shared by all answers: net/http only reads it.
var closeField = []string{"close"}

// NewChain puts the chain around inner.
func NewChain(inner http.Handler, o ChainOptions) *Chain {
	log := o.Log
	if log == nil {
		log = hclog.NewNullLogger()
	}
	fields := o.Fields
	if fields == nil {
		fields = defaultFields
	}
	c := &Chain{inner: inner, access: o.Access, observe: o.Observe, health: o.Health, trust: o.Trust, maxBody: o.MaxBody, maxTarget: o.MaxTarget, pages: o.Pages, log: log,
		large:     httpx.LogLimiter{Every: time.Minute},
		forwarder: forwarder{trust: o.Trust, fields: fields, log: log, limiter: httpx.LogLimiter{Every: time.Hour}}}
	if o.ServerHeader != "" {
		c.server = []string{o.ServerHeader}
	}
	return c
}

// ServeHTTP is the whole chain, outermost first.
func (c *Chain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec, ok := c.recs.Get().(*httpx.Writer)
	if !ok {
		rec = new(httpx.Writer)
	}
	rec.Reset(w)
	defer c.end(rec, r) // the access log, and panics

	c.begin(rec, r)
	if g, ok := w.(gateway); ok {
		c.relayed(&rec.Info, r, g)
	}
	clear := httpx.CleanPath(r.URL)
	if clear && c.health.answer(rec, r) {
		rec.Info.Silent = true
		return
	}
	fields := c.forwarder.apply(&rec.Info, r)
	if c.refuse(rec, r, clear, fields) {
		rec.Info.Source = "server"
		return
	}
	c.inner.ServeHTTP(rec, r)
}

// begin fills the RequestInfo and the fields that every answer has.
func (c *Chain) begin(rec *httpx.Writer, r *http.Request) {
	n := &rec.Info
	n.Start = time.Now()
	var e ends
	if nc := connOf(r); nc != nil {
		nc.unseen.Store(false)
		nc.held.lines, nc.held.phrased = nil, false
		if r.ContentLength != 0 { // what net/http reads by itself of a body that nobody wants
			_ = nc.SetReadDeadline(n.Start.Add(unwantedBody))
		}
		if r.ProtoMajor == 1 {
			rec.Over(nc)
		}
		e = nc.ends()
	} else {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		e = endsOf(r.RemoteAddr, local)
	}
	n.Peer, n.RemoteAddr, n.RemotePort, n.ServerName, n.ServerPort = e.peer, e.remoteAddr, e.remotePort, e.serverName, e.serverPort
	n.Scheme = "http"
	if r.TLS != nil {
		n.Scheme = "https"
	}
	n.Trusted = c.trust.Peer(n.Peer.Addr())
	if c.forwarder.fields.id && n.Trusted {
		if v := r.Header["X-Request-Id"]; len(v) == 1 && httpx.ValidID(v[0]) {
			n.ID = v[0]
		}
	}
	if n.ID == "" {
		n.ID = httpx.NewID(n.Start)
	}
	h := rec.Header()
	id := []string{n.ID}
	h["X-Request-Id"] = id
	r.Header["X-Request-Id"] = id // an app that logs it logs the one that we log
	if c.server != nil {
		h["Server"] = c.server
	}
	// net/http takes a chunked request that has a Content-Length too, and reads an
	// HTTP/1.0 request's chunks as the next request. Whoever is in front of us may
	// see other borders, so nothing more is read from such a connection
	// (RFC 9112 6.1).
	if r.ProtoMajor == 1 && (r.ProtoMinor == 0 || len(r.TransferEncoding) > 0) {
		h["Connection"] = closeField
	}
}

// end writes the access log's line, in every path, and turns a panic into an
// answer: 500 when the head has not gone out, else a broken connection.
func (c *Chain) end(rec *httpx.Writer, r *http.Request) {
	p := recover()
	if p != nil && p != http.ErrAbortHandler {
		c.log.Error("panic", "id", rec.Info.ID, "method", r.Method, "target", r.RequestURI, "error", fmt.Sprint(p), "traceback", string(debug.Stack()))
		if rec.Status() == 0 {
			c.plain(rec, r)
			p = nil
		}
	}
	if p != nil {
		rec.Info.Aborted = rec.Status() != 0 && !whole(rec, r)
		if rec.Status() != 0 && !rec.Info.Aborted && errors.Is(rec.Info.Err, httpx.ErrClientGone) {
			rec.Info.Err = nil // it left with all that it was to get
		}
		if nc := connOf(r); nc != nil && rec.Info.Aborted && r.ProtoMajor == 1 && r.ProtoMinor == 0 && !sized(rec.Header()) {
			nc.reset()
		}
		if rec.Status() == 0 && rec.Info.Status == 0 {
			rec.Info.Status = http.StatusInternalServerError
		}
	}
	if rec.Status() == http.StatusRequestEntityTooLarge && rec.Info.Source == "server" {
		c.tooLarge(rec, r)
	}
	if !rec.Info.Silent {
		c.tell(rec, r)
	}
	if nc := connOf(r); nc != nil && r.ContentLength != 0 {
		nc.unread(p == nil && !rec.Info.BodyRead, rec.Header()["Connection"] != nil)
	}
	rec.Reset(nil)
	c.recs.Put(rec)
	if p != nil {
		panic(http.ErrAbortHandler) // net/http closes the connection and logs nothing
	}
}

// tooLarge tells of a body that max_body does not allow, once a minute for each app: a client can repeat it at will.
func (c *Chain) tooLarge(rec *httpx.Writer, r *http.Request) {
	n := &rec.Info
	if !c.large.Allow(n.App, time.Now()) {
		return
	}
	pairs := []any{"client", n.RemoteAddr, "id", n.ID, "method", r.Method, "target", r.RequestURI, "limit", c.maxBody}
	if n.App != "" {
		pairs = append(pairs, "app", n.App)
	}
	if r.ContentLength >= 0 {
		pairs = append(pairs, "declared", r.ContentLength)
	}
	c.log.Warn("body_too_large", append(pairs, "hint", fmt.Sprintf("max_body is %d bytes; --max-body 1GiB allows more", c.maxBody))...)
}

// length is the answer's Content-Length in either spelling (bridge writes the lower one, as net/http takes the usual one
// off a 304); empty: there is none.
func length(h http.Header) string {
	for _, name := range [...]string{"Content-Length", "content-length"} {
		if v := h[name]; len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

// sized: the answer says how long it is, so that a client can tell where it was cut.
func sized(h http.Header) bool { return length(h) != "" }

// whole: all bytes of the answer have gone out, whatever the app still did, or the
// client, that ended the request.
func whole(rec *httpx.Writer, r *http.Request) bool {
	if s := rec.Status(); r.Method == http.MethodHead || s == http.StatusNoContent || s == http.StatusNotModified {
		return true
	}
	n, err := strconv.ParseInt(length(rec.Header()), 10, 64)
	return err == nil && rec.Bytes() >= n
}

// tell tells the access log and the observer of a request that is answered.
func (c *Chain) tell(rec *httpx.Writer, r *http.Request) {
	now := time.Now()
	if c.access != nil {
		c.access.Log(rec, r, now)
	}
	if c.observe != nil {
		c.observe(rec, now.Sub(rec.Info.Start))
	}
}

// Refused writes the access log's line for a request that net/http has answered
// by itself: its head could not be read, so there is nothing else to tell.
func (c *Chain) Refused(remote string, status int) {
	var rec httpx.Writer
	rec.Reset(nil)
	now := time.Now()
	rec.Info = httpx.RequestInfo{ID: httpx.NewID(now), Start: now, Source: "server", Status: status}
	if ap, err := netip.ParseAddrPort(remote); err == nil {
		rec.Info.Peer = ap
		rec.Info.RemoteAddr = plain(ap.Addr()).String()
	}
	c.tell(&rec, &http.Request{Method: "-", RequestURI: "-", Proto: "-", RemoteAddr: remote, Header: http.Header{}})
}

// plain answers 500 after a panic; fields that the handler has set are dropped.
func (c *Chain) plain(rec *httpx.Writer, r *http.Request) {
	h := rec.Header()
	clear(h)
	rec.Ready(nil)
	h["X-Request-Id"] = []string{rec.Info.ID}
	if c.server != nil {
		h["Server"] = c.server
	}
	h["Connection"] = closeField
	rec.Info.Source = "server"
	c.pages.Write(rec, r, http.StatusInternalServerError, "", 0)
}
