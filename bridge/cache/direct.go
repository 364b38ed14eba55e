package cache

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// direct passes the request to the next handler, and its response to the client.
func (rq *request) direct(o outcome, report rules.Report) {
	rq.count(o)
	rq.w.Header()["Cache-Status"] = []string{rules.Status(report)}
	if rq.r.Method == http.MethodHead && len(rq.named) > 0 {
		sent, before := time.Now(), rq.s.c.trust.moment(rq.key)
		httpx.BeforeHead(rq.w, func(status int, h http.Header) { rq.headed(status, canonical(h), sent, before) })
	}
	rq.s.next.ServeHTTP(rq.w, rq.r)
	if rq.w.Status() == 0 && !rq.w.Aborted() { // a handler that writes nothing means 200
		rq.w.WriteHeader(http.StatusOK)
	}
}

// headed has the response to HEAD freshen what is stored for GET, or invalidate it (RFC 9111 4.3.5).
func (rq *request) headed(status int, h http.Header, sent time.Time, before moment) {
	a := rq.found
	if a == nil || status != http.StatusOK {
		return
	}
	if !rules.HeadConfirms(&a.Terms, a.Body.Size(), h) {
		rq.s.c.drop(a)
		return
	}
	q := rq.q
	q.Method = http.MethodGet
	unchanged := func(*Answer) bool { return rq.s.c.trust.moment(rq.key) == before }
	rq.s.freshen(a, &validation{&q, h, rq.r.Header, rq.r.URL.Path, sent, time.Now(), unchanged, nil, nil})
}

// change passes a request that may change what is stored (RFC 9111 4.4, RFC 9875 3).
func (s *stage) change(rec *httpx.Writer, r *http.Request) {
	rec.Info.Cache = string(pass)
	s.numbers.add(pass)
	if !rules.Unsafe(r.Method) {
		rec.Header()["Cache-Status"] = []string{rules.Status(rules.Report{Fwd: "bypass"})}
		s.next.ServeHTTP(rec, r)
		return
	}
	var room [keyRoom]byte
	url := string(s.target(rec, r, room[:]).url)
	rec.Header()["Cache-Status"] = []string{rules.Status(rules.Report{Fwd: "method"})}
	httpx.BeforeHead(rec, func(status int, h http.Header) { s.invalidate(r, url, status, canonical(h)) })
	s.next.ServeHTTP(rec, r)
	if rec.Status() == 0 && !rec.Aborted() { // a handler that writes nothing means 200
		rec.WriteHeader(http.StatusOK)
	}
}

// invalidate removes what the response to an unsafe request to a URL makes invalid, before the client sees the response.
func (s *stage) invalidate(r *http.Request, at string, status int, h http.Header) {
	if status < 200 || status > 399 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), tierPatience)
	defer cancel()
	now := time.Now()
	list := []Purge{{URL: at, At: now}}
	if u, err := url.Parse(at); err == nil {
		for _, uri := range rules.Invalidates(r.Method, status, u, h)[1:] { // the first is the URL itself
			if uri, err = NormalURL(uri); err == nil { // else no request can be for it
				list = append(list, Purge{URL: withoutIgnored(uri, s.o.IgnoreQuery), At: now})
			}
		}
	}
	for _, g := range rules.InvalidatedGroups(h) {
		list = append(list, Purge{Group: g, Origin: originOf(at), At: now})
	}
	_, _ = s.c.purge(ctx, list)
}

// canonical is h with canonical names: an app's fields may have any spelling.
func canonical(h http.Header) http.Header {
	for name := range h {
		if http.CanonicalHeaderKey(name) != name {
			c := make(http.Header, len(h))
			for name, values := range h {
				for _, v := range values {
					c.Add(name, v)
				}
			}
			return c
		}
	}
	return h
}
