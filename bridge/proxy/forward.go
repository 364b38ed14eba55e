package proxy

import (
	"net/http"
	"net/url"
	"slices"
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

// outgoing is the request for one upstream. Its memory is used again.
type outgoing struct {
	upstream.Request
	q    *request
	url  url.URL
	list []httpx.Field // Fields
	room []httpx.Field // for those of the response
}

// prepare makes the request. Its target, query and host are as the client sent them.
func (o *outgoing) prepare(q *request, m *upstream.Member) {
	r := q.r
	o.q = q
	o.url = url.URL{Scheme: m.Scheme, Host: m.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, ForceQuery: r.URL.ForceQuery,
		RawQuery: strings.ReplaceAll(r.URL.RawQuery, " ", "%20")} // a space would end the target
	o.Request = upstream.Request{From: r, Ending: q.ending, Method: r.Method, URL: &o.url, Host: r.Host, Target: r.RequestURI, Informer: informer{q}, Busy: m.Busy(), Begun: q.now, Room: o.room[:0]}
	if r.Trailer != nil {
		o.Trailer = r.Trailer.Clone()
	}
	if q.h.SendProxy {
		o.Client = headerOf(q.info)
	}
	o.attachBody()
	q.reportDropped(m)
	http := m.SpeaksHTTP()
	o.list = forwarded(o.list[:0], r.Header, q.info, !http)
	o.Upgrade = protocolOf(r.Header) != ""
	if r.Header["Expect"] != nil {
		if o.Expect = o.Again == nil && r.ProtoAtLeast(1, 1); !o.Expect { // answered, and read; RFC 9110 10.1.1
			o.list = slices.DeleteFunc(o.list, func(f httpx.Field) bool { return strings.EqualFold(f.Name, "Expect") })
		}
	}
	o.add("X-Request-Id", q.info.ID) // whatever the client's Connection field names
	if http {
		o.tellHTTP()
	} else {
		o.tellCGI()
	}
	o.Fields = o.list
}

func (o *outgoing) add(name, value string) {
	o.list = append(o.list, httpx.Field{Name: name, Value: value})
}

// free drops what the request has, and keeps the memory.
func (o *outgoing) free() {
	clear(o.list)
	clear(o.room)
	*o = outgoing{list: o.list[:0], room: o.room[:0]}
}

// tellCGI prepares the request for CGI variables.
func (o *outgoing) tellCGI() {
	n := o.q.info
	o.Info = &cgi.Info{ID: n.ID, Scheme: n.Scheme, Prefix: n.Prefix, ScriptName: o.q.h.stripped(), RemoteAddr: n.RemoteAddr, RemotePort: n.RemotePort,
		ServerName: n.ServerName, ServerPort: n.ServerPort}
	o.Info.Relay(n.ScriptName, n.Named, n.Extra)
	for _, name := range claims { // what trusted proxies have said; REMOTE_ADDR and the like say the rest
		for _, v := range o.q.r.Header[name] {
			o.add(name, v)
		}
	}
	if path, _, _ := strings.Cut(o.Target, "?"); strings.HasPrefix(path, "/") { // the target says what the path says
		o.Target = httpx.RemoveDots(path) + o.Target[len(path):]
	}
}

// mostDropped bounds the records about fields' names that one request writes.
const mostDropped = 8

// reportDropped writes a record for each field that is not forwarded because of the "_" in its
// name, once for the route.
func (q *request) reportDropped(u *upstream.Member) {
	said := 0
	for name := range q.r.Header {
		if said == mostDropped {
			return
		}
		if strings.Contains(name, "_") && !hasToken(q.r.Header["Connection"], name) && q.h.oddFields.Allow(name, time.Now()) {
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
func (o *outgoing) tellHTTP() {
	n := o.q.info
	peer, list := "", strings.Join(o.q.r.Header["X-Forwarded-For"], ", ")
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
	if list != "" {
		o.add("X-Forwarded-For", list)
	}
	o.add("X-Forwarded-Proto", n.Scheme)
	if o.Host != "" {
		o.add("X-Forwarded-Host", o.Host)
	}
	if prefix := o.q.h.stripped(); prefix != "" {
		o.add("X-Forwarded-Prefix", n.Prefix+prefix)
		cutPrefix(&o.url, prefix)
	}
	verbatim(&o.url)
}
