package rewrite

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/target"

	"github.com/hashicorp/go-hclog"
)

func template(t testing.TB, text, expr string) Rule {
	t.Helper()
	tmpl, err := target.ParsePath(text)
	if err != nil {
		t.Fatal(err)
	}
	l := Rule{Template: tmpl}
	if expr != "" {
		l.Find = regexp.MustCompile(expr).FindStringSubmatchIndex
	}
	return l
}

func TestRules(t *testing.T) {
	t.Parallel()
	strip, replace := Rule{Prefix: "/old", Strip: true, Mounted: true}, Rule{Prefix: "/old", Strip: true, Add: "/new/v2"}
	for _, c := range []struct {
		rule               Rule
		target, want, info string // want: what next gets; info: its prefix
	}{
		{strip, "/old/a?q", "/a?q", "/old"}, {strip, "/old", "/", "/old"}, {strip, "/old/", "/", "/old"}, {strip, "/old%2Fa%2fb", "/a%2fb", "/old"}, {strip, "/%6fld/x%7cy", "/x%7cy", "/old"},
		{replace, "/old/a?q", "/new/v2/a?q", ""}, {replace, "/old", "/new/v2", ""}, {replace, "/old/", "/new/v2/", ""}, {replace, "/old%2Fa", "/new/v2/a", ""},
		{Rule{Add: "/ü b"}, "/a", "/%C3%BC%20b/a", ""}, {Rule{Add: "/v2"}, "/", "/v2/", ""}, {Rule{Prefix: "/old", Add: "/v2"}, "/old/x", "/v2/old/x", ""},
		{template(t, "/new/{1}", "^/old/(.*)$"), "/old/a%2Fb/c?q=1", "/new/a%2Fb/c?q=1", ""},
		{template(t, "/index.php?path={1}&{query}", "^/(.*)$"), "/a/b&c?q=1", "/index.php?path=a/b%26c&q=1", ""},
		{template(t, "/index.php?path={1}", "^/(.*)$"), "/a?q=1", "/index.php?path=a", ""},
		{template(t, "/index.php", ""), "/a?q=1", "/index.php?q=1", ""},
		{template(t, "/static{path}", ""), "/a//b", "/static/a//b", ""},
		// Parts of segments that make dots are no way out.
		{template(t, "/files/{1}", `^/a(.*)$`), "/a../secret", "400", ""},
		{template(t, "/files/{1}{2}", `^/a(.*)b(.*)$`), "/a.b.", "400", ""},
		{template(t, "/files/x/{1}", `^/a(.*)$`), "/a%2e%2e%2f%2e%2e/x", "400", ""},
		{template(t, "/files/{1}", `^/a(.*)$`), `/a..\x`, "400", ""},
		{template(t, "/files/{1}", `^/a(.*)$`), "/a../files/x", "/files/x", ""},
		{template(t, "/files/{1}.txt", `^/a(.*)$`), "/a..", "/files/...txt", ""},
	} {
		var got string
		var original string
		s := Stage(Options{Rule: c.rule})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r.URL.RequestURI()
			if p := httpx.Of(w).Prefix; p != c.info {
				t.Errorf("%s: prefix %q, want %q", c.target, p, c.info)
			}
			Original(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { original = r.URL.RequestURI() + httpx.Of(w).Prefix })).ServeHTTP(w, r)
		}))
		r := httptest.NewRequest("GET", c.target, nil)
		was := r.URL.RequestURI()
		rec := httptest.NewRecorder()
		w := &httpx.Writer{}
		w.Reset(rec)
		s.ServeHTTP(w, r)
		if c.want == "400" && (rec.Code != 400 || got != "") || c.want != "400" && (got != c.want || original != was) {
			t.Errorf("%+v of %s: %d %q (before %q), want %q", c.rule, c.target, rec.Code, got, original, c.want)
		}
		if r.URL.RequestURI() != was {
			t.Errorf("%s: the request itself was changed", c.target)
		}
	}
}

func TestRefusalIsLogged(t *testing.T) {
	t.Parallel()
	log := &bridgetest.Log{}
	s := Stage(Options{Rule: template(t, "/files/{1}", "^/a(.*)$"), Log: hclog.New(&hclog.LoggerOptions{Output: log})})(http.NotFoundHandler())
	for range 2 {
		w := &httpx.Writer{}
		w.Reset(httptest.NewRecorder())
		w.Info.ID = "id7"
		s.ServeHTTP(w, httptest.NewRequest("GET", "/a../x", nil))
	}
	if text := log.String(); strings.Count(text, "rewrite_refused") != 1 || !strings.Contains(text, "id=id7") {
		t.Error(text)
	}
}

func FuzzRewrite(f *testing.F) {
	for _, s := range []string{"/a../x", "/a%2e./x", `/a..\x`, "/a..;/x", "/a..%2f..%2fx", "/ab.", "/a//"} {
		f.Add(s)
	}
	rules := []Rule{template(f, "/files/x/{1}{2}", "(?s)^/a(.*)b?(.*)$"), {Prefix: "/a", Strip: true, Add: "/files/x"}}
	f.Fuzz(func(t *testing.T, path string) {
		r := httptest.NewRequest("GET", "/", nil)
		if !strings.HasPrefix(path, "/a/") && !strings.HasPrefix(path, "/a.") || !httpx.SetRawPath(r.URL, path) || !strings.HasPrefix(r.URL.Path, "/a") {
			return
		}
		for i := range rules {
			if i == 1 && !below(r.URL.Path, "/a/") {
				continue
			}
			u, ok := rules[i].apply(r, &httpx.RequestInfo{})
			if !ok {
				continue
			}
			for s := range strings.FieldsFuncSeq(u.Path, func(c rune) bool { return c == '/' || c == '\\' }) {
				if name, _, _ := strings.Cut(s, ";"); name == ".." {
					t.Fatalf("%q: %q", path, u.Path)
				}
			}
			if !below(u.Path, "/files/x/") {
				t.Fatalf("%q: %q", path, u.Path)
			}
		}
	})
}
