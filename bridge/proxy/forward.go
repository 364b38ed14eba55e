package proxy

import (
	"context"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/standpipe/standpipe/bridge/cgi"
)

// claims are the fields that tell an HTTP upstream who the client is.
var claims = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}

// rewrite keeps target, query and host as the client sent them: ReverseProxy would
// drop a query that it cannot read.
func rewrite(pr *httputil.ProxyRequest) {
	pr.Out.URL.RawQuery = strings.ReplaceAll(pr.In.URL.RawQuery, " ", "%20") // a space would end the target
	pr.Out.Host = pr.In.Host
}

// outgoing is the request for one upstream.
func (t *turn) outgoing(req *http.Request, u *Upstream) *http.Request {
	out := req.WithContext(req.Context())
	out.Header = req.Header.Clone()
	out.URL = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: req.URL.Path, RawPath: req.URL.RawPath, RawQuery: req.URL.RawQuery, ForceQuery: req.URL.ForceQuery}
	t.body.attach(out)
	out.Header["X-Request-Id"] = []string{t.note.ID} // whatever the client's Connection field names
	if u.speaksHTTP() {
		t.tellHTTP(out)
		return out
	}
	for _, name := range claims { // what trusted proxies have said; REMOTE_ADDR and the like say the rest
		if v := t.r.Header[name]; v != nil {
			out.Header[name] = v
		}
	}
	if t.r.Header["User-Agent"] == nil {
		delete(out.Header, "User-Agent") // ReverseProxy's way to keep net/http from adding its own
	}
	return out.WithContext(cgi.WithInfo(out.Context(), t.info()))
}

// tellHTTP adds the client to what trusted proxies have said of it. A field with "_" in
// its name does not go on: where fields become variables it could take the place of
// one of these (bridge/cgi has the same rule).
func (t *turn) tellHTTP(out *http.Request) {
	n, h := t.note, out.Header
	for name := range h {
		if strings.Contains(name, "_") {
			delete(h, name)
		}
	}
	list := strings.Join(t.r.Header["X-Forwarded-For"], ", ")
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
}

// cutPrefix takes prefix, which the path is known to lie under, off both of its
// spellings.
func cutPrefix(u *url.URL, prefix string) {
	raw, ok := strings.CutPrefix(u.EscapedPath(), prefix)
	u.Path = strings.TrimPrefix(u.Path, prefix)
	if u.RawPath = raw; !ok {
		u.RawPath = "" // the prefix is spelled otherwise there: the path's plain spelling it is
	}
	if u.Path == "" {
		u.Path, u.RawPath = "/", ""
	}
}

// info is what CGI variables need beside the request.
func (t *turn) info() *cgi.Info {
	n := t.note
	in := &cgi.Info{ID: n.ID, Scheme: n.Scheme, Prefix: n.Prefix, ScriptName: t.o.stripped(), RemoteAddr: n.RemoteAddr, RemotePort: n.RemotePort,
		ServerName: n.ServerName, ServerPort: n.ServerPort}
	in.Relay(n.ScriptName, n.Named, n.Extra)
	return in
}

type turnKey struct{}

func turnOf(ctx context.Context) *turn { return ctx.Value(turnKey{}).(*turn) }
