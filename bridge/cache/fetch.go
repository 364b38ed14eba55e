package cache

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// errCut: the response has ended before its end.
var errCut = errors.New("the response was cut off")

// errLate: the app takes longer than a client waits when there is a stored answer.
var errLate = errors.New("no response within cache_wait")

// failure is why the response with that status counts as a failure; 0: there is none.
func failure(f *flight, status int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.info.Err != nil:
		return f.info.Err
	case status == 0:
		return errCut
	}
	return fmt.Errorf("the response was %d", status)
}

// newFlight makes a fetch for rq, which validates old if it can; nil: there are too many, or the Cache is closed. The
// request is copied: the way in uses its memory again.
func (s *stage) newFlight(rq *request, old *Answer) *flight {
	c := s.c
	ctx, cancel := context.WithCancel(context.WithoutCancel(rq.r.Context()))
	f := &flight{
		s: s, key: rq.key, class: rq.class, url: rq.url(), query: rq.q, stored: old, began: time.Now(), cancel: cancel,
		decided: make(chan struct{}), over: make(chan struct{}), waiting: 1,
	}
	f.query.Method = http.MethodGet
	f.about = f.query
	if old != nil {
		f.about = *about(rq, &old.Terms)
	}
	f.vary = rq.guess()
	f.lost.Store(c.trust.count(rq.key) != rq.changes)
	f.r = cloneRequest(ctx, rq.r)
	f.asked, f.path = maps.Clone(f.r.Header), f.r.URL.Path
	f.asks = validate(f.r.Header, old)
	f.transfer.largest, f.transfer.most, f.transfer.files = c.mem.largest, c.o.MaxObject, c.tiers.creator()
	f.transfer.budget, f.transfer.flushed, f.transfer.declared = &c.transit, -1, -1
	f.transfer.largest = min(f.transfer.largest, c.o.MaxObject)
	f.sink = sink{to: f, ctx: ctx, fields: make(http.Header, 8), head: head{length: -1}}
	f.rec.Reset(&f.sink)
	f.rec.Over(&f.sink, &f.sink)
	f.rec.Info = cloneInfo(&rq.w.Info)
	f.trace = rq.w.Info.Trace.Fork()
	f.rec.Info.Trace = f.trace
	return f
}

// cloneRequest copies r without the conditions and the range of its client.
func cloneRequest(ctx context.Context, r *http.Request) *http.Request {
	c := r.WithContext(ctx)
	c.Method, c.Host, c.RequestURI, c.Proto, c.RemoteAddr = http.MethodGet, strings.Clone(r.Host), strings.Clone(r.RequestURI), strings.Clone(r.Proto), strings.Clone(r.RemoteAddr)
	c.URL = new(url.URL)
	*c.URL = *r.URL
	u := c.URL
	u.Scheme, u.Host, u.Path, u.RawPath, u.RawQuery, u.Fragment = strings.Clone(u.Scheme), strings.Clone(u.Host), strings.Clone(u.Path), strings.Clone(u.RawPath), strings.Clone(u.RawQuery), ""
	c.Header = make(http.Header, len(r.Header)+2)
	for name, values := range r.Header {
		switch name {
		case "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range", "Range":
			continue
		}
		own := make([]string, len(values))
		for i, v := range values {
			own[i] = strings.Clone(v)
		}
		c.Header[strings.Clone(name)] = own
	}
	c.Body = http.NoBody
	return c
}

// cloneInfo copies what the stages before know of the request.
func cloneInfo(n *httpx.RequestInfo) httpx.RequestInfo {
	c := *n
	c.ID, c.User, c.Prefix, c.ScriptName = strings.Clone(n.ID), strings.Clone(n.User), strings.Clone(n.Prefix), strings.Clone(n.ScriptName)
	c.RemoteAddr, c.RemotePort, c.ServerName, c.ServerPort = strings.Clone(n.RemoteAddr), strings.Clone(n.RemotePort), strings.Clone(n.ServerName), strings.Clone(n.ServerPort)
	c.Extra = append(c.Extra[:0:0], n.Extra...)
	return c
}

// validate asks whether a is still valid (RFC 9111 4.3.1); false: it cannot.
func validate(h http.Header, a *Answer) bool {
	if a == nil || !a.Terms.Validatable() {
		return false
	}
	if a.Terms.ETag != "" {
		h["If-None-Match"] = []string{a.Terms.ETag}
	}
	if a.Terms.LastModified != "" {
		h["If-Modified-Since"] = []string{a.Terms.LastModified}
	}
	return true
}

// run asks the next handler. The flight's goroutine calls it.
func (f *flight) run() {
	defer f.cancel()
	if f.elsewhere() {
		endTrace(f, nil)
		f.finish(nil)
		return
	}
	f.serve()
	var err error
	if f.rec.Aborted() || !f.sink.whole() {
		if err = f.rec.Info.Err; err == nil {
			err = errCut
		}
	}
	endTrace(f, err)
	f.finish(err)
}

// endTrace ends what is recorded of a fetch.
func endTrace(f *flight, err error) {
	if f.trace.Recording() {
		f.trace.EndFork(f.began, time.Now(), f.sink.head.status, cmp.Or(f.rec.Info.Err, err))
	}
}

// serve calls the handler. A panic is handled as the stage panics does it.
func (f *flight) serve() {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			f.rec.Abort()
		default:
			info := &f.rec.Info
			f.s.c.o.Log.Error("panic", "id", info.ID, "method", f.r.Method, "target", f.r.RequestURI, "error", fmt.Sprint(p), "traceback", string(debug.Stack()))
			if f.rec.Status() != 0 {
				f.rec.Abort()
				return
			}
			clear(f.rec.Header())
			f.rec.UseLines(nil)
			f.rec.Fields.Clear()
			info.Source = "server"
			f.s.o.Pages.Write(&f.rec, f.r, http.StatusInternalServerError, "", 0)
		}
	}()
	f.s.next.ServeHTTP(&f.rec, f.r)
	if !f.rec.Aborted() && f.sink.head.status == 0 {
		f.rec.WriteHeader(http.StatusOK)
	}
}

// finish ends the fetch; err nil: the response is complete.
func (f *flight) finish(err error) {
	f.decide(failed, nil)
	f.mu.Lock()
	f.info = f.rec.Info
	v := f.verdict
	f.mu.Unlock()
	var a *Answer
	if err == nil && v == shared {
		a = f.store()
	}
	c := f.s.c
	if a == nil {
		if f.transfer.large && v == shared {
			c.passOn(f.class, f.head.status, time.Now())
		}
		c.flights.ended(f)
	}
	f.transfer.end(err)
	close(f.over)
	end := f.unlocked()
	if a == nil {
		f.transfer.release()
		c.saved(end)
		return
	}
	_, inMemory := a.Body.Memory()
	c.save(&saving{a: a, after: func() {
		if !inMemory { // until then requests have found it here
			c.flights.ended(f)
		}
		f.transfer.release()
		if end != nil {
			end()
		}
	}}, f.valid)
	if inMemory {
		c.flights.ended(f)
	}
}

// store puts the response into memory; nil: it is too large, or was purged meanwhile.
func (f *flight) store() *Answer {
	body, ok := f.transfer.body()
	if !ok {
		return nil
	}
	a := &Answer{
		Key: f.key, App: f.s.o.App, URL: f.url, Vary: f.chosen, Status: f.head.status, Fields: f.kept, Terms: f.terms, Began: f.began,
		Groups: rules.Groups(f.head.header()), Body: body,
	}
	_, _ = rand.Read(a.ID[:])
	if !f.s.c.mem.put(a, func() bool { return f.valid(a) }) {
		return nil
	}
	f.s.numbers.stored.Add(1)
	return a
}

// valid reports whether nothing has purged a since f began.
func (f *flight) valid(a *Answer) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.purged {
		if f.purged[i].Matches(a.App, a.URL, a.Groups) {
			return false
		}
	}
	return true
}

// storedFields are the fields of a response that are stored (RFC 9111 3.1). Date is among them.
func storedFields(h *head) []httpx.Field {
	out := rules.WithheldOf(h.header())
	list := make([]httpx.Field, 0, len(h.fields)+1)
	for _, f := range h.fields {
		if !out.Has(f.Name) {
			list = append(list, httpx.Field{Name: strings.Clone(f.Name), Value: strings.Clone(f.Value)})
		}
	}
	return list
}

// informed is receiver's.
func (f *flight) informed(status int, h http.Header) {
	if f.informal == nil {
		return
	}
	select {
	case f.informal <- informal{status, h}:
	default: // too many
	}
}

// begun is receiver's: it decides what becomes of the response.
func (f *flight) begun(h *head) {
	now := time.Now()
	fields := h.header()
	if f.asks && h.status == http.StatusNotModified {
		f.transfer.bound()
		a := f.freshen(fields, now)
		f.decide(confirmed, func() { f.answer = a })
		f.leaveTable()
		return
	}
	if fields["Date"] == nil { // RFC 9110 6.6.1
		h.fields = append(h.fields, httpx.Field{Name: "Date", Value: now.UTC().Format(http.TimeFormat)})
		fields["Date"] = []string{h.fields[len(h.fields)-1].Value}
	}
	terms, chosen, storable := f.s.read(&f.query, h.status, fields, f.asked, f.path, f.began, now)
	switch {
	case !storable && terms.Why == "": // Selectors has found one for which no request is like another
		terms.Why = "vary"
	case h.length > f.s.c.largest():
		storable, terms.Why = false, "size"
	case f.stored != nil && rules.StaleOnError(&f.about, &f.stored.Terms, h.status, now, &f.s.o.Settings):
		storable, terms.Why = false, "error" // it does not replace what may be served instead of it
	}
	v := shared
	var kept []httpx.Field
	if storable {
		kept = storedFields(h)
		f.transfer.declared = h.length
	} else {
		v = single
		f.transfer.bound()
		f.s.c.passOn(f.class, h.status, now)
		f.s.c.saved(f.unlocked())
	}
	f.decide(v, func() {
		f.head, f.kept, f.terms, f.chosen = h, kept, terms, chosen
		f.full = storable && !reusable(&terms, now, &f.s.o.Settings)
	})
	if !storable { // else purges have to find it
		f.leaveTable()
	}
}

// reusable reports whether an answer may be given to others without asking the app.
func reusable(t *rules.Terms, now time.Time, set *rules.Settings) bool {
	q := rules.ReadRequest(http.MethodGet, nil, set)
	a := rules.Decide(&q, t, now, set).Action
	return a == rules.Serve || a == rules.ServeAndRevalidate
}

// leaveTable has no others wait for the fetch.
func (f *flight) leaveTable() { f.s.c.flights.remove(f) }

// freshen is the stored answer after a 304 with these fields (RFC 9111 3.2).
func (f *flight) freshen(fresh http.Header, now time.Time) *Answer {
	return f.s.freshen(f.stored, &validation{&f.query, fresh, f.asked, f.path, f.began, now, f.valid, f.lost.Load, f.unlocked()})
}

// write is receiver's.
func (f *flight) write(p []byte) error { return f.transfer.write(p, f.sink.ctx.Done()) }

// flushed is receiver's.
func (f *flight) flushed() { f.transfer.flush() }
