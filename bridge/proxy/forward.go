package proxy

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/logtext"
	"github.com/standpipe/standpipe/bridge/upstream"
)

// claims are the fields that tell an HTTP upstream who the client is.
var claims = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}

// upgrade keeps only one of Upgrades among the protocols that the client would change to (RFC 9110 7.8): requests inside any
// other one would bypass the route's path, the forwarded fields and the logs. A request whose Upgrade is removed is answered
// as if it had none.
func (q *request) upgrade() {
	r := q.r
	values := r.Header["Upgrade"]
	if values == nil {
		return
	}
	delete(r.Header, "Upgrade")
	if r.Method == http.MethodGet && r.ProtoAtLeast(1, 1) {
		for _, v := range values {
			for item := range strings.SplitSeq(v, ",") {
				item = strings.Trim(item, " \t")
				for _, name := range q.h.Upgrades {
					if strings.EqualFold(item, name) {
						r.Header["Upgrade"] = []string{name}
						return
					}
				}
			}
		}
	}
	if q.h.unchanged.Allow("", time.Now()) {
		q.h.Log.Warn("protocol_refused", "route", q.h.Group.Route, "protocol", logtext.Cut(strings.Join(values, ", "), logtext.Word), "client", q.info.RemoteAddr, "id", q.info.ID, "method", r.Method, "target", r.RequestURI,
			"message", "A request to change the protocol is forwarded without that: the route's upgrades do not name it (logged once a minute and route).")
	}
}

// outgoing is the request for one upstream. Its target, query and host are as the client sent them.
func (q *request) outgoing(u *upstream.Member) *http.Request {
	r, ctx := q.r, upstream.WithInformer(q.ctx, informer{q})
	if q.h.SendProxy {
		ctx = upstream.WithClient(ctx, headerOf(q.info))
	}
	if !u.SpeaksHTTP() {
		ctx = cgi.WithInfo(ctx, q.cgiInfo())
	}
	out := r.WithContext(ctx)
	out.Header, out.Trailer, out.Close = forwarded(r.Header), r.Trailer.Clone(), false
	out.URL = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, ForceQuery: r.URL.ForceQuery,
		RawQuery: strings.ReplaceAll(r.URL.RawQuery, " ", "%20")} // a space would end the target
	q.attachBody(out)
	if !r.ProtoAtLeast(1, 1) {
		delete(out.Header, "Expect") // RFC 9110 10.1.1
	}
	out.Header["X-Request-Id"] = []string{q.info.ID} // whatever the client's Connection field names
	q.reportDropped(out.Header, u)
	if u.SpeaksHTTP() {
		q.tellHTTP(out)
		return out
	}
	for _, name := range claims { // what trusted proxies have said; REMOTE_ADDR and the like say the rest
		if v := r.Header[name]; v != nil {
			out.Header[name] = v
		}
	}
	if path, _, _ := strings.Cut(out.RequestURI, "?"); strings.HasPrefix(path, "/") { // the target says what the path says
		out.RequestURI = httpx.RemoveDots(path) + out.RequestURI[len(path):]
	}
	if r.Header["User-Agent"] == nil {
		delete(out.Header, "User-Agent")
	}
	return out
}

// mostDropped bounds the records about fields' names that one request writes.
const mostDropped = 8

// reportDropped writes a record for each field that is not forwarded because of the "_" in its
// name, once for the route.
func (q *request) reportDropped(h http.Header, u *upstream.Member) {
	said := 0
	for name := range h {
		if said == mostDropped {
			return
		}
		if strings.Contains(name, "_") && q.h.oddFields.Allow(name, time.Now()) {
			said++
			name = strings.ToLower(logtext.Cut(name, logtext.Word))
			q.h.Log.Warn("field_dropped", "upstream", u.Name, "field", name, "client", q.info.RemoteAddr, "id", q.info.ID,
				"message", "A field with an underscore in its name is not forwarded. Send "+strings.ReplaceAll(name, "_", "-")+" instead (logged once per name and route).")
		}
	}
}

// tellHTTP adds the client to what trusted proxies have said of it. A field with "_" in
// its name is not forwarded: where fields become variables it could take the place of
// one of these (bridge/cgi has the same rule).
func (q *request) tellHTTP(out *http.Request) {
	n, h := q.info, out.Header
	for name := range h {
		if strings.Contains(name, "_") {
			delete(h, name)
		}
	}
	peer, list := "", strings.Join(q.r.Header["X-Forwarded-For"], ", ")
	if n.Peer.IsValid() {
		var b [64]byte
		if a := n.Peer.Addr().AppendTo(b[:0]); string(a) == n.RemoteAddr { // saves an allocation
			peer = n.RemoteAddr
		} else {
			peer = string(a)
		}
	}
	if list == "" && n.RemoteAddr != peer {
		list = n.RemoteAddr // as another field of a trusted proxy names the client
	}
	if list != "" && peer != "" {
		list += ", "
	}
	list += peer
	values := []string{list, n.Scheme, q.r.Host}
	if list != "" {
		h["X-Forwarded-For"] = values[0:1:1]
	}
	h["X-Forwarded-Proto"] = values[1:2:2]
	if q.r.Host != "" {
		h["X-Forwarded-Host"] = values[2:3:3]
	}
	if prefix := q.h.stripped(); prefix != "" {
		h["X-Forwarded-Prefix"] = []string{n.Prefix + prefix}
		cutPrefix(out.URL, prefix)
	}
	verbatim(out.URL)
	httpx.Spell(h, h)
}
