package cache

import (
	"net/http"
	"time"

	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// mostJoins is how many fetches of others a request waits for, one after the other.
const mostJoins = 3

// ask has the app asked: by a fetch of this request, or by one that is under way.
func (rq *request) ask() {
	s, a := rq.s, rq.found
	passing, instead := s.c.passes.has(rq.class, rq.now), a != nil && rq.d.StaleIfError
	switch {
	case instead && a.use.failing(rq.now): // it has just failed
		s.c.refresh(rq, a)
		rq.w.Info.Err = a.use.failure()
		rq.answer(a, stale, rules.Report{Hit: true, TTL: rq.d.TTL})
		return
	case passing && !instead: // a request that passes has no answer but the app's
		rq.direct(pass, rules.Report{Fwd: "bypass", Detail: "cache_pass"})
		return
	case rq.r.Method != http.MethodGet && !(instead && rq.d.TTL <= 0), rq.q.NoStore, rq.q.Range && a == nil, rq.r.Header["If-Match"] != nil, rq.r.Header["If-Unmodified-Since"] != nil:
		rq.direct(miss, rules.Report{Fwd: rq.fwd()})
		return
	}
	for range mostJoins {
		f, leads := s.c.join(rq, rq.found, passing)
		if f == nil {
			break
		}
		if !leads {
			rq.w.Info.Trace.LinkTo(f.trace)
		}
		done := (&follower{rq: rq, f: f, leads: leads, gone: rq.wait().Done()}).follow()
		f.leave()
		if done {
			return
		}
		if leads {
			break
		}
		if r := f.result(); r.verdict == shared && rules.Matches(r.chosen, rq.r.Header, &s.o.Settings) || r.verdict != shared && r.verdict != confirmed {
			if passing = rq.found != nil && rq.d.StaleIfError; passing {
				continue
			}
			break // the next one would not be for this request either
		}
		if rq.again(); rq.found != nil && rq.d.Action == rules.Serve {
			rq.hit()
			return
		}
	}
	rq.direct(pass, rules.Report{Fwd: rq.fwd()})
}

// again looks whether there is an answer now.
func (rq *request) again() {
	rq.close()
	rq.found, rq.named, rq.loads, rq.d, rq.now = nil, nil, nil, rules.Decision{}, time.Now()
	rq.find()
}

// fwd says why the app is asked.
func (rq *request) fwd() string {
	switch {
	case rq.d.Fwd != "":
		return rq.d.Fwd
	case len(rq.named) > 0:
		return "vary-miss"
	}
	return "uri-miss"
}

// left is for a client that has disconnected before its answer.
func (rq *request) left() {
	info := &rq.w.Info
	info.Source, info.Status, info.Err = "cache", httpx.StatusClientGone, httpx.ErrClientGone
	rq.w.Abort()
}

// count says what became of the request.
func (rq *request) count(o outcome) {
	rq.w.Info.Cache = string(o)
	rq.s.numbers.add(o)
}
