package proxy

import (
	"context"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/logtext"
)

// claims are the fields that tell an HTTP upstream who the client is.
var claims = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}

// rewrite keeps target, query and host as the client sent them: ReverseProxy would
// drop a query that it cannot read.
func rewrite(pr *httputil.ProxyRequest) {
	pr.Out.URL.RawQuery = strings.ReplaceAll(pr.In.URL.RawQuery, " ", "%20") // a space would end the target
	pr.Out.Host = pr.In.Host
}

// dropped are fields that no upstream gets. HTTP2-Settings belongs to "Upgrade: h2c" (RFC 7540 3.2.1); a script behind
// an upstream reads Proxy as its own outgoing proxy ("httpoxy").
var dropped = []string{"Http2-Settings", "Proxy"}

// upgrade leaves of the protocols that the client would change to (RFC 9110 7.8) websocket alone: what any other one
// carries would pass by the route's path, the forwarded fields and the logs. A request whose Upgrade is dropped is
// answered as if it had none.
func upgrade(r *http.Request) {
	values := r.Header["Upgrade"]
	if values == nil {
		return
	}
	delete(r.Header, "Upgrade")
	if r.Method != http.MethodGet || !r.ProtoAtLeast(1, 1) {
		return
	}
	for _, v := range values {
		for item := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.Trim(item, " \t"), "websocket") {
				r.Header["Upgrade"] = []string{"websocket"}
				return
			}
		}
	}
}

// outgoing is the request for one upstream.
func (t *turn) outgoing(req *http.Request, u *Upstream) *http.Request {
	out := req.WithContext(req.Context())
	out.Header = req.Header.Clone()
	out.URL = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: req.URL.Path, RawPath: req.URL.RawPath, RawQuery: req.URL.RawQuery, ForceQuery: req.URL.ForceQuery}
	t.attachBody(out)
	for _, name := range dropped {
		delete(out.Header, name)
	}
	if !req.ProtoAtLeast(1, 1) {
		delete(out.Header, "Expect") // RFC 9110 10.1.1
	}
	out.Header["X-Request-Id"] = []string{t.info.ID} // whatever the client's Connection field names
	t.sayDropped(out.Header, u)
	if u.speaksHTTP() {
		t.tellHTTP(out)
		return out
	}
	for _, name := range claims { // what trusted proxies have said; REMOTE_ADDR and the like say the rest
		if v := t.r.Header[name]; v != nil {
			out.Header[name] = v
		}
	}
	if path, _, _ := strings.Cut(out.RequestURI, "?"); strings.HasPrefix(path, "/") { // the target says what the path says
		out.RequestURI = httpx.RemoveDots(path) + out.RequestURI[len(path):]
	}
	if t.r.Header["User-Agent"] == nil {
		delete(out.Header, "User-Agent") // ReverseProxy's way to keep net/http from adding its own
	}
	return out.WithContext(cgi.WithInfo(out.Context(), t.cgiInfo()))
}

// mostDropped bounds the records about fields' names that one request writes.
const mostDropped = 8

// sayDropped tells of fields that do not go on because of the "_" in their names, each
// once for the route.
func (t *turn) sayDropped(h http.Header, u *Upstream) {
	said := 0
	for name := range h {
		if said == mostDropped {
			return
		}
		if strings.Contains(name, "_") && t.o.oddFields.Allow(name, time.Now()) {
			said++
			name = strings.ToLower(logtext.Cut(name, logtext.Word))
			t.o.Log.Warn("field_dropped", "upstream", u.Name, "field", name, "client", t.info.RemoteAddr, "id", t.info.ID,
				"hint", "send "+strings.ReplaceAll(name, "_", "-")+" instead (said once per name and route)")
		}
	}
}

// tellHTTP adds the client to what trusted proxies have said of it. A field with "_" in
// its name does not go on: where fields become variables it could take the place of
// one of these (bridge/cgi has the same rule).
func (t *turn) tellHTTP(out *http.Request) {
	n, h := t.info, out.Header
	for name := range h {
		if strings.Contains(name, "_") {
			delete(h, name)
		}
	}
	list := strings.Join(t.r.Header["X-Forwarded-For"], ", ")
	if list == "" && n.RemoteAddr != n.Peer.Addr().String() {
		list = n.RemoteAddr // as another field of a trusted proxy names the client
	}
	if n.Peer.IsValid() {
		if list != "" {
			list += ", "
		}
		list += n.Peer.Addr().String()
	}
	if list != "" {
		h["X-Forwarded-For"] = []string{list}
	}
	h["X-Forwarded-Proto"] = []string{n.Scheme}
	if t.r.Host != "" {
		h["X-Forwarded-Host"] = []string{t.r.Host}
	}
	if prefix := t.o.stripped(); prefix != "" {
		h["X-Forwarded-Prefix"] = []string{n.Prefix + prefix}
		cutPrefix(out.URL, prefix)
	}
	verbatim(out.URL)
	httpx.Spell(h, h)
}

// cutPrefix takes prefix, which the path is known to lie under, off both of its spellings. What is left begins with a
// slash, also when that one came encoded.
func cutPrefix(u *url.URL, prefix string) {
	raw := httpx.RawPath(u)
	for range len(prefix) {
		if raw[0] == '%' {
			raw = raw[3:]
		} else {
			raw = raw[1:]
		}
	}
	if u.Path = u.Path[len(prefix):]; u.Path == "" {
		u.Path, raw = "/", "/"
	}
	if raw[0] == '%' {
		raw = "/" + raw[3:]
	}
	u.RawPath = raw
}

// verbatim has the path written as it came; net/url would encode what it would not have written so itself. A "#" would
// end the target.
func verbatim(u *url.URL) {
	raw := strings.ReplaceAll(httpx.RawPath(u), "#", "%23")
	if raw != u.EscapedPath() && !strings.HasPrefix(raw, "//") { // net/url takes such a one for a host
		u.Opaque = raw
	}
}

// cgiInfo is what CGI variables need beside the request.
func (t *turn) cgiInfo() *cgi.Info {
	n := t.info
	in := &cgi.Info{ID: n.ID, Scheme: n.Scheme, Prefix: n.Prefix, ScriptName: t.o.stripped(), RemoteAddr: n.RemoteAddr, RemotePort: n.RemotePort,
		ServerName: n.ServerName, ServerPort: n.ServerPort}
	in.Relay(n.ScriptName, n.Named, n.Extra)
	return in
}

type turnKey struct{}

func turnOf(ctx context.Context) *turn { return ctx.Value(turnKey{}).(*turn) }
