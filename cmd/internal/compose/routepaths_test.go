package compose

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/chain"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/proxy"
	"github.com/standpipe/standpipe/bridge/route"
	"github.com/standpipe/standpipe/bridge/upstream"
)

// pathRig is the way of a request to the upstream of the route /up, or of /cut, which strips its path.
type pathRig struct {
	h    http.Handler
	sent []string // targets that the upstreams got
	cut  bool     // the last one came by /cut
}

func newPathRig(t testing.TB) *pathRig {
	t.Helper()
	g := &pathRig{}
	var list []route.Route
	for _, prefix := range []string{"/up", "/cut"} {
		matcher, err := (&route.Match{Path: prefix}).Compile()
		if err != nil {
			t.Fatal(err)
		}
		up := &upstream.Member{Upstream: upstream.NewUpstream(prefix, "http", prefix[1:], time.Now()), Transport: upstream.RoundTripper{RoundTripper: g}}
		h := proxy.New(proxy.Options{Path: prefix, Strip: prefix == "/cut", Group: upstream.NewGroup(upstream.Options{Members: []*upstream.Member{up}})})
		list = append(list, route.Route{Matcher: matcher, Handler: func(http.Handler) http.Handler { return h }})
	}
	g.h = wrap(http.NotFoundHandler(), []Stage{{"path", chain.Path()}, {"limits", chain.Limits(chain.LimitsOptions{})}, {"routes", route.NewRoutes(list, nil).At("")}})
	return g
}

// RoundTrip is the upstream. The target is that of the request's head as it is written.
func (g *pathRig) RoundTrip(r *http.Request) (*http.Response, error) {
	var head strings.Builder
	if err := r.Write(&head); err != nil {
		return nil, err
	}
	line, _, _ := strings.Cut(head.String(), "\r\n")
	target := strings.TrimSuffix(strings.TrimPrefix(line, "GET "), " HTTP/1.1")
	g.sent, g.cut = append(g.sent, target), r.URL.Host == "cut"
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// ask sends a request; not ok: it is not one. It returns what the upstream got; empty: nothing.
func (g *pathRig) ask(target string) (status int, sent string, ok bool) {
	r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(strings.NewReader("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n"))))
	if err != nil || r.RequestURI != target {
		return 0, "", false
	}
	g.sent = nil
	rec := httptest.NewRecorder()
	w := &httpx.Writer{}
	w.Reset(rec)
	w.Info.ID = "id"
	g.h.ServeHTTP(w, r)
	if len(g.sent) > 0 {
		sent = g.sent[0]
	}
	return rec.Code, sent, true
}

// escapes says how a server behind may read the target as a path outside of prefix; empty: in no way that is known.
func escapes(target, prefix string) string {
	raw, _, _ := strings.Cut(target, "?")
	decoded, err := url.PathUnescape(raw)
	if err != nil {
		return "it is not encoded as it must be"
	}
	if !strings.HasPrefix(raw, "/") {
		return "it is no path"
	}
	for name, read := range map[string]func(string) string{
		"as it is":         func(s string) string { return s },
		"with backslashes": func(s string) string { return strings.ReplaceAll(s, `\`, "/") },
		"without parameters": func(s string) string {
			segments := strings.Split(s, "/")
			for i := range segments {
				segments[i], _, _ = strings.Cut(segments[i], ";")
			}
			return strings.Join(segments, "/")
		},
		"to the first NUL": func(s string) string { s, _, _ = strings.Cut(s, "\x00"); return s },
		"without blanks": func(s string) string {
			segments := strings.Split(s, "/")
			for i := range segments {
				segments[i] = strings.TrimSpace(segments[i])
			}
			return strings.Join(segments, "/")
		},
	} {
		clean := path.Clean("/" + read(decoded))
		if clean != prefix && !strings.HasPrefix(clean, prefix+"/") && prefix != "/" {
			return name + ": " + clean
		}
		for s := range strings.SplitSeq(read(decoded), "/") {
			if s == ".." {
				return name + ": it has a .. segment"
			}
		}
	}
	return ""
}

// The published ways to have a path read in two ways. sent "": no upstream gets it.
func TestNormalisationAttacks(t *testing.T) {
	t.Parallel()
	g := newPathRig(t)
	for _, c := range []struct {
		target string
		status int
		sent   string
	}{
		// RFC 3986 5.2.4, and encoded dots.
		{"/up/../admin", 404, ""}, {"/up/%2e%2e/admin", 404, ""}, {"/up/.%2E/admin", 404, ""}, {"/up/%2e./admin", 404, ""}, {"/up/./../admin", 404, ""}, {"/up/x/../../admin", 404, ""},
		{"/../up/x", 200, "/up/x"}, {"/x/../up/./y", 200, "/up/y"}, {"/%2e/up", 200, "/up"}, {"/up/..", 404, ""}, {"/up/x/..", 200, "/up/"},
		// Path parameters (Tomcat, Spring).
		{"/up/..;/admin", 400, ""}, {"/up/..;x=y/admin", 400, ""}, {"/up/%2e%2e;/admin", 400, ""}, {"/up/..%3b/admin", 400, ""}, {"/up/x;a=b/y", 200, "/up/x;a=b/y"},
		// Encoded slashes and backslashes.
		{"/up/..%2fadmin", 400, ""}, {"/up/..%2Fadmin", 400, ""}, {"/up%2f..%2fadmin", 400, ""}, {"/up/%2e%2e%2fadmin", 400, ""}, {"/up/..%5cadmin", 400, ""}, {`/up/..\admin`, 400, ""},
		{`/up\..\admin`, 400, ""}, {"/up/%5c../admin", 400, ""}, {"/up/%5c..%5cadmin", 400, ""}, {"/up%2Fx", 200, "/up%2Fx"}, {"/up/a%2Fb", 200, "/up/a%2Fb"},
		// Encoded twice: one decoding makes no dots of it.
		{"/up/%252e%252e/admin", 200, "/up/%252e%252e/admin"}, {"/up/..%252fadmin", 200, "/up/..%252fadmin"},
		// NUL, blanks, control bytes.
		{"/up/..%00/admin", 400, ""}, {"/up/..%20/admin", 400, ""}, {"/up/..%09/admin", 400, ""}, {"/up/..%0d%0a/admin", 400, ""}, {"/up/..%7f/admin", 400, ""}, {"/up/x%00y", 200, "/up/x%00y"},
		// Slashes.
		{"//up/../admin", 404, ""}, {"//up//x", 200, "/up/x"}, {"/up//..//admin", 200, "/up//admin"}, {"/up//x", 200, "/up//x"}, {"/up///../x", 200, "/up//x"}, {"//up", 200, "/up"}, {"/up/..//../admin", 404, ""},
		// A segment's boundary; letters.
		{"/upx", 404, ""}, {"/up..", 404, ""}, {"/up../admin", 404, ""}, {"/UP/x", 404, ""}, {"/%75%70/x", 200, "/up/x"}, {"/up%2e%2e/x", 404, ""},
		// The absolute form, a query, a fragment.
		{"http://h/up/../admin", 404, ""}, {"http://h/up/x?q=/../y", 200, "/up/x?q=/../y"}, {"/up/x#/../admin", 400, ""}, {"/up/x%23/y", 200, "/up/x%23/y"}, {"/up?/../admin", 200, "/up?/../admin"},
		{"/up/%3f/../admin", 200, "/up/admin"},
		// Unreserved bytes have one spelling, others keep theirs.
		{"/up/%41%2d%7e%7C|", 200, "/up/A-~%7C|"}, {"/up/%C3%a9", 200, "/up/%C3%a9"}, {"/up/%2e%2e%2e", 200, "/up/..."},
		// Overlong UTF-8 and fullwidth dots are other bytes.
		{"/up/%c0%ae%c0%ae/admin", 200, "/up/%c0%ae%c0%ae/admin"}, {"/up/%ef%bc%8e%ef%bc%8e/admin", 200, "/up/%ef%bc%8e%ef%bc%8e/admin"},
		// What is stripped.
		{"/cut/../up/x", 200, "/up/x"}, {"/cut/%2e%2e/admin", 404, ""}, {"/cut//admin", 200, "//admin"}, {"/cut%2F..%2Fadmin", 400, ""}, {"/cut%2Fx", 200, "/x"}, {"//cut/x", 200, "/x"}, {"/cut", 200, "/"},
		{"/cut/%2Fx", 200, "/%2Fx"}, {"/cut//..//admin", 200, "//admin"},
	} {
		status, sent, ok := g.ask(c.target)
		if !ok || status != c.status || sent != c.sent {
			t.Errorf("%s: %v %d %q, want %d %q", c.target, ok, status, sent, c.status, c.sent)
		}
	}
}

func FuzzRoutePaths(f *testing.F) {
	for _, s := range []string{"/up/../x", "/up/%2e%2e%2f", "//up//..;/x", `/cut/\..\x`, "/cut%2f/..", "/up/%25%32%65", "/cut//a", "/%75p/%00", "http://h/up/a?b"} {
		f.Add(s)
	}
	g := newPathRig(f)
	f.Fuzz(func(t *testing.T, target string) {
		_, sent, ok := g.ask(target)
		if !ok || sent == "" {
			return
		}
		prefix := "/up"
		if g.cut {
			prefix = "/"
		}
		if why := escapes(sent, prefix); why != "" {
			t.Fatalf("%q became %q: %s", target, sent, why)
		}
	})
}
