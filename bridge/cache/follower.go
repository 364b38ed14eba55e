package cache

import (
	"net/http"
	"time"

	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/content"
)

// follower is a request that waits for a fetch, its own or that of another one.
type follower struct {
	rq     *request
	f      *flight
	leads  bool // it is its own
	reader *reader
	gone   <-chan struct{} // closed when the client disconnects
}

// follow waits for the head of f and answers with its response; false: nothing was answered, because the response is not for
// this request.
func (o *follower) follow() (done bool) {
	rq, f, leads := o.rq, o.f, o.leads
	if leads {
		o.reader = f.first
	} else {
		o.reader = f.transfer.attach()
	}
	if o.reader != nil {
		defer f.transfer.detach(o.reader)
	}
	limit := rq.s.c.o.Wait
	if limit <= 0 && !leads {
		return false
	}
	if leads && !(rq.found != nil && rq.d.StaleIfError) {
		limit = 0 // as long as the app takes
	}
	var late <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		late = timer.C
	}
	var informs chan informal
	if leads {
		informs = f.informal
	}
	for {
		select {
		case i := <-informs:
			o.inform(i)
			continue
		case <-f.decided:
		case <-late:
			if rq.d.StaleIfError && o.fallback(http.StatusGatewayTimeout) {
				f.detach()
				o.instead(errLate)
				rq.answer(rq.found, stale, rules.Report{Hit: true, TTL: rq.found.Terms.TTL(rq.now)})
				return true
			}
			if leads { // nothing is left to serve instead
				late = nil
				continue
			}
			return false
		case <-o.gone:
			rq.left()
			return true
		}
		break
	}
	if !leads && o.settle(late) {
		return true
	}
	return o.conclude()
}

// settle waits until it is known whether a body of unknown length is kept, at most until late: one that is not comes at the speed of the
// slowest client that reads it. Without the body the request asks for itself. done: it was answered, or has no client any more.
func (o *follower) settle(late <-chan time.Time) (done bool) {
	if r := o.f.result(); o.reader == nil || r.verdict != shared || r.head.length >= 0 || o.rq.r.Method == http.MethodHead {
		return false
	}
	for {
		kept, wake, err := o.f.transfer.settled()
		switch {
		case kept:
			return false
		case err != nil: // an app that this request has killed is not asked by all that wait
			o.broken()
			return true
		case wake == nil:
			o.f.transfer.detach(o.reader)
			o.reader = nil
			return false
		}
		select {
		case <-wake:
		case <-late:
			return false
		case <-o.gone:
			o.rq.left()
			return true
		}
	}
}

// broken is for a body that has ended before its end.
func (o *follower) broken() {
	if rq := o.rq; o.fallback(http.StatusBadGateway) {
		o.known()
		o.instead(errCut)
		rq.answer(rq.found, stale, rules.Report{Hit: true, TTL: rq.found.Terms.TTL(rq.now)})
	} else {
		o.sharePage(&head{status: http.StatusBadGateway})
		rq.w.Info.Err = errCut
	}
}

// conclude answers with what the head of f says.
func (o *follower) conclude() (done bool) {
	rq, r := o.rq, o.f.result()
	report := rules.Report{Fwd: rq.fwd(), Collapsed: !o.leads}
	if status := r.status(); (r.verdict == single || r.verdict == failed) && o.fallback(status) {
		o.known()
		o.instead(failure(o.f, status))
		rq.answer(rq.found, stale, rules.Report{Hit: true, TTL: rq.found.Terms.TTL(rq.now), FwdStatus: status, Fwd: report.Fwd})
		return true
	}
	now := time.Now()
	switch stepOf(r.verdict, o.leads, o.leads || o.reusable(&r, now), o.reader != nil, r.server && r.status() >= 500) {
	case giveStored:
		rq.now = now
		if r.verdict == fetched {
			report.Collapsed = true
			rq.answer(r.answer, collapsed, report)
			return true
		}
		a, ok := o.ofOwn(r.answer)
		if ok {
			report.Hit, report.FwdStatus, report.TTL = true, http.StatusNotModified, a.Terms.TTL(now)
			o.known()
			rq.answer(a, revalidated, report)
		}
		return ok
	case giveBody:
		if report.Stored = r.verdict == shared; !report.Stored {
			report.Detail = r.terms.Why
		}
		if o.leads {
			rq.count(miss)
		} else {
			rq.count(collapsed)
		}
		o.send(&r, report)
		return true
	case givePage:
		o.sharePage(r.head)
		return true
	case giveUp:
		return o.fail()
	}
	return false
}

// ofOwn is a validated answer with a body that this request alone reads; false: it has none.
func (o *follower) ofOwn(validated *Answer) (*Answer, bool) {
	if _, ok := validated.Body.Memory(); ok {
		return validated, true
	}
	if o.rq.found == nil || o.rq.found.ID != o.f.stored.ID {
		return nil, false
	}
	a := *validated
	a.Body = o.rq.found.Body
	return &a, true
}

// reusable reports whether a request that does not lead may have what the fetch has brought.
func (o *follower) reusable(r *result, now time.Time) bool {
	switch r.verdict {
	case confirmed, fetched:
		return o.may(&r.answer.Terms, r.answer.Vary, now, !o.f.began.Before(o.rq.came))
	case shared:
		return o.may(r.terms, r.chosen, now, false)
	}
	return false
}

// fallback looks for the stored answer that the client gets because the app has failed with that status. It looks again: the
// one that was found has changed if another fetch has validated it, and is gone if it was purged.
func (o *follower) fallback(status int) bool {
	rq := o.rq
	if rq.found == nil {
		return false
	}
	rq.again()
	return rq.found != nil && rules.StaleOnError(about(rq, &rq.found.Terms), &rq.found.Terms, status, rq.now, &rq.s.o.Settings)
}

// instead notes why the client gets the stored answer: the access log has it for each.
func (o *follower) instead(why error) {
	o.rq.found.use.fail(o.rq.now, why)
	o.rq.w.Info.Err = why
}

// may reports whether the request may have the response of a fetch that another one has led: it may be reused, or it was
// validated after the request had come, as it must be for each.
func (o *follower) may(t *rules.Terms, chosen []rules.Selector, now time.Time, validated bool) bool {
	rq := o.rq
	if !t.Storable || !rules.Matches(chosen, rq.r.Header, &rq.s.o.Settings) {
		return false
	}
	d := rules.Decide(about(rq, t), t, now, &rq.s.o.Settings)
	return d.Action == rules.Serve || d.Action == rules.ServeAndRevalidate || validated && d.Action == rules.Validate
}

// fail is for a fetch without a response.
func (o *follower) fail() (done bool) {
	rq, f := o.rq, o.f
	if !o.leads {
		return false
	}
	<-f.over
	f.inform(&rq.w.Info)
	if !f.rec.Aborted() { // what was validated is not what the app has
		return false
	}
	rq.w.Abort()
	return true
}

// send sends the response of a fetch while it comes.
func (o *follower) send(r *result, report rules.Report) {
	rq, f := o.rq, o.f
	h, w := r.head, rq.w
	age := time.Duration(-1)
	if !o.leads { // it is as if the response were stored: what is for the first client alone stays with it
		h = &head{status: h.status, phrase: h.phrase, fields: r.kept, length: h.length, phrased: h.phrased}
		age = r.terms.Age(time.Now())
	}
	o.known()
	conditions := content.Validators{ETag: r.terms.ETag, Modified: r.terms.Modified()}
	length := h.length
	if length < 0 && h.status != http.StatusNoContent && h.status != http.StatusNotModified {
		length = f.transfer.total()
	}
	if h.status == http.StatusOK && rq.q.Conditional && conditions.Evaluate(rq.r.Header) == http.StatusNotModified {
		writeHead(w, http.StatusNotModified, h, -1, age, report)
		return
	}
	writeHead(w, h.status, h, length, age, report)
	if rq.r.Method != http.MethodHead && bodied(h.status) {
		if err := o.reader.follow(&f.transfer, w, o.gone); err != nil {
			o.cut(err)
			return
		}
	}
	select {
	case <-f.over:
		o.known()
		if f.rec.Aborted() {
			o.cut(errCut)
		}
	case <-o.gone:
	}
}

// known copies what is known of the fetch for the access log: for its own client. Others have no worker.
func (o *follower) known() {
	if info := &o.rq.w.Info; o.leads {
		o.f.inform(info)
	} else {
		info.App, info.Source = o.rq.s.app(), "cache"
	}
}

// cut ends a response that is not whole.
func (o *follower) cut(err error) {
	rq := o.rq
	o.known()
	if rq.w.Info.Err == nil {
		rq.w.Info.Err = err
	}
	_ = rq.w.FlushError()
	rq.w.Abort()
}

// inform sends a 1xx response.
func (o *follower) inform(i informal) {
	w := o.rq.w
	h := w.Header()
	before := h.Clone()
	clear(h)
	for name, values := range i.fields {
		h[name] = values
	}
	w.WriteHeader(i.status)
	clear(h)
	for name, values := range before {
		h[name] = values
	}
}

// sharePage answers with an error of the server's own that another request has met.
func (o *follower) sharePage(h *head) {
	rq := o.rq
	rq.count(collapsed)
	info := &rq.w.Info
	info.App, info.Source = rq.s.app(), "server"
	var retry time.Duration
	for _, f := range h.fields {
		if f.Name == "Retry-After" {
			if d, err := time.ParseDuration(f.Value + "s"); err == nil {
				retry = d
			}
		}
	}
	rq.w.Header()["Cache-Status"] = []string{rules.Status(rules.Report{Fwd: rq.fwd(), Collapsed: true})}
	rq.s.o.Pages.Write(rq.w, rq.r, h.status, "", retry)
}

func bodied(status int) bool {
	return status != http.StatusNoContent && status != http.StatusResetContent && status != http.StatusNotModified
}
