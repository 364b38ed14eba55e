package cache

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/standpipe/standpipe/bridge/cache/rules"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// request is one request that may be answered from the store.
type request struct {
	s       *stage
	w       *httpx.Writer
	r       *http.Request
	came    time.Time // when the request came
	now     time.Time
	q       rules.Request
	plain   rules.Request // q, without its cookies if a rule for the path ignores them
	key     Key
	class   Key // the key, apart for requests with cookies and with credentials
	base    []byte
	found   *Answer        // the stored answer that is chosen; nil: none
	changes uint32         // of trust, before it was looked for
	named   []*Answer      // all of the key
	d       rules.Decision // about found
	loads   []*Answer      // whose bodies are closed at the end

	room [keyRoom]byte
}

// requests are used again: a request has room for its key.
var requests = sync.Pool{New: func() any { return new(request) }}

// serve answers the request.
func (rq *request) serve() {
	s := rq.s
	rq.q = rules.ReadRequest(rq.r.Method, rq.r.Header, &s.o.Settings)
	t := s.target(rq.w, rq.r, rq.room[:])
	rq.q.Authorization = rq.q.Authorization || t.known || identified(rq.w, rq.r)
	rq.key, rq.base = t.key, t.url
	if t.changed {
		rq.trim(t.query)
	}
	rq.plain = rq.q
	rq.plain.Cookie = rq.q.Cookie && !s.ignoresCookies(rq.r.URL.Path, 0)
	rq.class = classOf(rq.key, &rq.plain)
	rq.find()
	if rq.found == nil {
		rq.absent()
		return
	}
	switch rq.d.Action {
	case rules.Serve:
		rq.hit()
	case rules.ServeAndRevalidate:
		s.c.refresh(rq, rq.found)
		rq.answer(rq.found, stale, rules.Report{Hit: true, TTL: rq.d.TTL})
	case rules.Refuse:
		rq.refuse()
	default:
		rq.ask()
	}
}

// absent is for a request for which nothing is stored.
func (rq *request) absent() {
	switch {
	case rq.q.OnlyIfCached:
		rq.refuse()
	case rq.q.NoStore:
		rq.direct(pass, rules.Report{Fwd: "bypass", Detail: "request-no-store"})
	default:
		rq.ask()
	}
}

// hit serves a fresh answer.
func (rq *request) hit() {
	a := rq.found
	if rq.d.TTL > 0 && a.use.due(a, rq.d.TTL) {
		rq.s.c.refresh(rq, a)
	}
	o := hit
	if rq.d.TTL <= 0 {
		o = stale
	}
	rq.answer(a, o, rules.Report{Hit: true, TTL: rq.d.TTL})
}

// find chooses the stored answer, and decides.
func (rq *request) find() {
	c := rq.s.c
	rq.changes = c.trust.count(rq.key)
	set := c.mem.get(rq.key)
	known := c.mem.trusted(set)
	rq.named = known.Answers()
	if rq.choose() || len(c.tiers.list) == 0 {
		return
	}
	rq.named, rq.loads = c.load(rq.wait(), rq.key, set)
	rq.choose()
}

// choose chooses one of named (RFC 9111 4.1).
func (rq *request) choose() bool {
	for _, a := range rq.named {
		if !rules.Matches(a.Vary, rq.r.Header, &rq.s.o.Settings) {
			continue
		}
		rq.d = rules.Decide(about(rq, &a.Terms), &a.Terms, rq.now, &rq.s.o.Settings)
		if rq.d.Action == rules.Fetch && rq.d.Fwd == "miss" { // it is for requests of another kind
			continue
		}
		rq.found = a
		return true
	}
	return false
}

// about is what counts of the request for an answer with these terms: a rule may ignore its cookies.
func about(rq *request, t *rules.Terms) *rules.Request {
	if rq.plain.Cookie != rq.q.Cookie && rq.s.ignoresCookies(rq.r.URL.Path, t.Status) {
		return &rq.plain
	}
	return &rq.q
}

// end ends the use of rq.
func (rq *request) end() {
	rq.close()
	*rq = request{}
	requests.Put(rq)
}

// close closes the bodies that were loaded for this request.
func (rq *request) close() {
	closeAll(rq.loads)
	rq.loads = nil
}

func closeAll(list []*Answer) {
	for _, a := range list {
		a.Body.Close()
	}
}

// wait is the context of a wait that ends before the handler returns.
func (rq *request) wait() context.Context {
	if rq.w.Conn != nil {
		return rq.w.Conn.WaitContext()
	}
	return rq.r.Context()
}

// url is the URL as keyed.
func (rq *request) url() string { return string(rq.base) }

// trim takes ignored parameters out of the request.
func (rq *request) trim(query string) {
	u := *rq.r.URL
	u.RawQuery, u.ForceQuery = query, false
	rq.r.URL = &u
	for i := range len(rq.r.RequestURI) {
		if rq.r.RequestURI[i] == '?' {
			rq.r.RequestURI = rq.r.RequestURI[:i]
			if query != "" {
				rq.r.RequestURI += "?" + query
			}
			break
		}
	}
}

// guess are the selectors that the request would have, if its response had the Vary of a stored one.
func (rq *request) guess() []rules.Selector {
	if len(rq.named) == 0 {
		return nil
	}
	like := rq.named[0].Vary
	names := make([]string, len(like))
	for i := range like {
		names[i] = like[i].Name
	}
	list, _ := rules.Selectors(http.Header{"Vary": names}, rq.r.Header, &rq.s.o.Settings)
	return list
}

// identified reports whether the server itself has told the app who the client is: such a request counts as one with credentials.
func identified(rec *httpx.Writer, r *http.Request) bool {
	if rec.Info.User != "" || rec.Info.Identified || r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		return true
	}
	for i := range rec.Info.Extra {
		switch v := &rec.Info.Extra[i]; v.Name {
		case "REMOTE_USER", "AUTH_TYPE", "SSL_CLIENT_CERT", "SSL_CLIENT_S_DN", "SSL_CLIENT_I_DN", "SSL_CLIENT_M_SERIAL":
			if v.Value != "" {
				return true
			}
		}
	}
	return false
}

// classOf is k, apart for requests with cookies and with credentials: one answer is seldom for both.
func classOf(k Key, q *rules.Request) Key {
	if q.Cookie {
		k[0] ^= 1
	}
	if q.Authorization {
		k[0] ^= 2
	}
	return k
}
