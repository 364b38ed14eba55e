package devpage

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/shim/wire"
)

const hostile = `<script>alert(1)</script>"'&`

// failing is a report whose every text is hostile.
func failing() *Report {
	f := wire.CodeFrame{File: hostile, Path: "/a/site-packages/" + hostile, Function: hostile, Kind: hostile, Line: 2, First: 1, Source: []string{"x", hostile, ""},
		From: 1, To: 900, Locals: []string{hostile, hostile, "password", "[masked]"}, More: 3, Skipped: 7}
	mine := f
	mine.Own = true
	return OfError(500, hostile, &wire.AppError{Type: hostile, Message: hostile, File: hostile, Line: 2, Function: hostile, Traceback: hostile, Detail: &wire.Detail{
		Exceptions: []wire.Raised{{Type: hostile, Message: strings.Repeat(hostile, 100), Notes: []string{hostile}, Frames: []wire.CodeFrame{f, mine, f}},
			{Type: hostile, Link: hostile, Message: "\x00\xff"}, {Type: "A", Link: "cause", Parent: 1}},
		Sections: []wire.Section{{Title: hostile, Pairs: []string{hostile, hostile, "odd"}}}, Handled: hostile, Python: hostile,
	}})
}

// serve runs a handler behind a Writer of the server, as a client of this machine.
func serve(h http.Handler, change func(r *http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "http://localhost:8000/a", nil)
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	w := httptest.NewRecorder()
	rec := new(httpx.Writer)
	rec.Reset(w)
	rec.Info.RemoteAddr, rec.Info.ID = "127.0.0.1", "id-1"
	if change != nil {
		change(r)
	}
	if a := r.Header.Get("Client"); a != "" {
		rec.Info.RemoteAddr = a
	}
	h.ServeHTTP(rec, r)
	return w
}

func failure(p *Pages, refused *string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { *refused = p.Write(w, r, failing()) })
}

func TestNothingOfAReportIsMarkup(t *testing.T) {
	var refused string
	page := serve(failure(New(Options{}), &refused), nil).Body.String()
	if refused != "" || strings.Count(page, "<script") != 1 || strings.Contains(page, "alert(1)</script>") || strings.Contains(page, "\x00") {
		t.Errorf("%q\n%s", refused, page)
	}
	if !strings.Contains(page, "&lt;script&gt;") || !strings.Contains(page, "id-1") {
		t.Error(page)
	}
	csp := serve(failure(New(Options{}), &refused), nil).Header().Get("Content-Security-Policy")
	if strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Error(csp)
	}
}

func TestFormByAccept(t *testing.T) {
	for _, c := range []struct{ accept, with, want string }{
		{"text/html,application/xhtml+xml,*/*;q=0.8", "", "text/html; charset=utf-8"},
		{"application/json", "", "application/json"},
		{"application/problem+json, text/html;q=0.1", "", "application/json"},
		{"*/*", "", "text/plain; charset=utf-8"},
		{"", "", "text/plain; charset=utf-8"},
		{"text/html", "XMLHttpRequest", "text/plain; charset=utf-8"},
	} {
		var refused string
		w := serve(failure(New(Options{}), &refused), func(r *http.Request) {
			r.Header.Set("Accept", c.accept)
			if c.with != "" {
				r.Header.Set("X-Requested-With", c.with)
			}
		})
		if w.Code != 500 || w.Header().Get("Content-Type") != c.want || w.Body.Len() == 0 {
			t.Errorf("%q: %d %q", c.accept, w.Code, w.Header())
		}
	}
	var refused string
	if w := serve(failure(New(Options{}), &refused), func(r *http.Request) { r.Method = "HEAD" }); w.Body.Len() != 0 || w.Header().Get("Content-Length") == "" {
		t.Errorf("HEAD: %d bytes, %q", w.Body.Len(), w.Header())
	}
}

// Only a client of this machine that asks for this machine by name sees details; with a token only its cookie counts.
func TestWhoSeesDetails(t *testing.T) {
	with := func(key, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(key, value) }
	}
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	p, token := New(Options{Names: []string{"shop.test"}}), New(Options{Token: "0123456789abcdef"})
	for name, c := range map[string]struct {
		p      *Pages
		change func(*http.Request)
		ok     bool
	}{
		"localhost": {p, host("localhost:8000"), true}, "an address": {p, host("127.0.0.1:8000"), true}, "IPv6": {p, host("[::1]:8000"), true}, "IPv6 without a port": {p, host("[::1]"), true},
		"a name below localhost": {p, host("shop.localhost"), true}, "a configured name": {p, host("Shop.Test:80"), true},
		"another name": {p, host("evil.example:8000"), false}, "a name that ends alike": {p, host("evillocalhost"), false}, "a name that begins alike": {p, host("127.0.0.1.evil.example"), false}, "none": {p, host(""), false},
		"another client": {p, with("Client", "10.0.0.9"), false}, "a unix socket": {p, with("Client", ""), true},
		"a page of another site": {p, with("Origin", "https://evil.example"), false}, "a page of no site": {p, with("Origin", "null"), false}, "a page of this machine": {p, with("Origin", "http://localhost:5173"), true},
		"a token and no cookie":   {token, host("localhost:8000"), false},
		"a token and its cookie":  {token, with("Cookie", cookieName+"="+token.guard.cookie()), true},
		"the token as the cookie": {token, with("Cookie", cookieName+"=0123456789abcdef"), false},
		"the cookie at any host": {token, func(r *http.Request) {
			r.Host = "10.0.0.2"
			r.Header.Set("Cookie", cookieName+"="+token.guard.cookie())
		}, true},
	} {
		var refused string
		w := serve(failure(c.p, &refused), c.change)
		if (refused == "") != c.ok || !c.ok && w.Body.Len() > 0 {
			t.Errorf("%s: %q, %d bytes", name, refused, w.Body.Len())
		}
		if got := serve(c.p.Stage(http.NotFoundHandler()), func(r *http.Request) { c.change(r); r.URL.Path = livePath }).Code; (got == 200) != c.ok || !c.ok && got != 403 {
			t.Errorf("%s: live.js answers %d", name, got)
		}
	}
}

func TestTokenBecomesACookie(t *testing.T) {
	p := New(Options{Token: "0123456789abcdef"})
	reached := 0
	h := p.Stage(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	ask := func(query string) *httptest.ResponseRecorder {
		return serve(h, func(r *http.Request) { r.URL.Path, r.URL.RawQuery = "//evil.example/a", query })
	}
	w := ask("b=1&dev_token=0123456789abcdef&c=2")
	cookie := w.Header().Get("Set-Cookie")
	if w.Code != 303 || !strings.HasPrefix(w.Header().Get("Location"), "/evil.example/a?b=1&c=2") || !strings.Contains(cookie, "HttpOnly") || strings.Contains(cookie, "0123456789abcdef") {
		t.Errorf("%d %q", w.Code, w.Header())
	}
	for i := range 2 * maxGuesses {
		if got, want := ask("dev_token=wrong").Code, 403; i < maxGuesses && got != want || i >= maxGuesses && got != 429 {
			t.Errorf("guess %d: %d", i, got)
		}
	}
	if ask("dev_token=0123456789abcdef").Code != 429 || reached != 0 {
		t.Error("guesses are not bounded, or reach the app")
	}
	if ask("my_dev_token=1"); reached != 1 {
		t.Error("another parameter is taken")
	}
	if p.guard.may(time.Now().Add(time.Minute)) != true {
		t.Error("the bound does not end")
	}
}

const document = "<!doctype html><html><body>hello</body></html>"

func TestLive(t *testing.T) {
	p := New(Options{Changes: &fixed{}})
	for name, c := range map[string]struct {
		head   map[string]string
		parts  []string
		status int
		change func(*http.Request)
		want   bool
	}{
		"a document":             {parts: []string{document}, want: true},
		"a document in parts":    {parts: []string{"<p>", "hello</", "bo", "dy", ">"}, want: true},
		"with a length":          {head: map[string]string{"Content-Length": "46"}, parts: []string{document[:20], document[20:]}, want: true},
		"an error of the app":    {status: 404, parts: []string{document}, want: true},
		"a fragment":             {parts: []string{"<p>hello</p>"}},
		"a fragment, length":     {head: map[string]string{"Content-Length": "12"}, parts: []string{"<p>hello</p>"}},
		"no HTML":                {head: map[string]string{"Content-Type": "text/plain"}, parts: []string{document}},
		"coded":                  {head: map[string]string{"Content-Encoding": "gzip"}, parts: []string{document}},
		"a page of ours":         {head: map[string]string{"Content-Security-Policy": policy}, parts: []string{document}},
		"a POST":                 {parts: []string{document}, change: func(r *http.Request) { r.Method = "POST" }},
		"an XMLHttpRequest":      {parts: []string{document}, change: func(r *http.Request) { r.Header.Set("X-Requested-With", "XMLHttpRequest") }},
		"fetch":                  {parts: []string{document}, change: func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "empty") }},
		"a client that must not": {parts: []string{document}, change: func(r *http.Request) { r.Host = "evil.example" }},
	} {
		h := p.Live("shop")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("ETag", `"1"`)
			for k, v := range c.head {
				w.Header().Set(k, v)
			}
			if c.status != 0 {
				w.WriteHeader(c.status)
			}
			for _, part := range c.parts {
				_, _ = io.WriteString(w, part)
			}
		}))
		w := serve(h, c.change)
		body, whole := w.Body.String(), strings.Join(c.parts, "")
		if !strings.HasPrefix(body, whole) || strings.Contains(body, `src="/-/dev/live.js?app=shop&amp;v=`) != c.want || !c.want && body != whole {
			t.Errorf("%s: %q", name, body)
		}
		if c.status != 0 && w.Code != c.status {
			t.Errorf("%s: %d", name, w.Code)
		}
		if n := w.Header().Get("Content-Length"); n != "" && n != itoa(len(body)) {
			t.Errorf("%s: Content-Length %s of %d", name, n, len(body))
		}
		if c.want && (w.Header().Get("ETag") != "" || w.Header().Get("Cache-Control") != "no-store") {
			t.Errorf("%s: may be cached: %q", name, w.Header())
		}
	}
	if got := nonceOf("default-src 'self'; script-src 'nonce-abc' 'self'"); got != "abc" {
		t.Errorf("nonce %q", got)
	}
}

func itoa(n int) string {
	var b []byte
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}

// fixed is code of one version, until it changes.
type fixed struct {
	version int
	changed chan struct{}
}

func (f *fixed) Version(string) (int, bool, <-chan struct{}) { return f.version, false, f.changed }

func TestEvents(t *testing.T) {
	done := make(chan struct{})
	code, files := &fixed{changed: make(chan struct{})}, new(Files)
	p := New(Options{Changes: code, Files: files, Done: done})
	ask := func(query string, during func()) string {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		var text string
		ended := make(chan struct{})
		go func() { // ends with the stream
			defer close(ended)
			text = serve(p.Stage(nil), func(r *http.Request) {
				*r = *r.WithContext(ctx)
				r.URL.Path, r.URL.RawQuery = eventsPath, query
			}).Body.String()
		}()
		during()
		<-ended
		return text
	}
	if text := ask("app=shop&v=old-1", func() {}); !strings.Contains(text, "event: reload") {
		t.Errorf("an old page: %q", text)
	}
	query := strings.TrimPrefix(p.events.url("shop"), eventsPath+"?")
	text := ask(query+"&live=1", func() {
		for n := 0; n == 0; time.Sleep(time.Millisecond) {
			files.mu.Lock()
			n = len(files.listeners)
			files.mu.Unlock()
		}
		files.Changed("/srv/a.CSS")
		close(done)
	})
	if strings.Contains(text, "event: reload") {
		t.Errorf("a page of the present code: %q", text)
	}
	if text := ask(query+"&live=1", func() {}); !strings.Contains(text, "event: style") {
		t.Errorf("a page of before the style: %q", text)
	}
	files.Changed("/srv/a.js")
	if text := ask(query+"&live=1", func() {}); !strings.Contains(text, "event: reload") {
		t.Errorf("a page of before the file: %q", text)
	}
	p.events.streams.Store(maxStreams)
	if w := serve(p.Stage(nil), func(r *http.Request) { r.URL.Path = eventsPath }); w.Code != 503 {
		t.Errorf("stream %d: %d", maxStreams+1, w.Code)
	}
}

// FuzzPage writes pages of arbitrary texts: none is markup.
func FuzzPage(f *testing.F) {
	f.Add("a\nb", "x = 'a' # b", 0, 3)
	f.Add(hostile, `"\`, -1, 1<<30)
	f.Fuzz(func(t *testing.T, text, line string, from, to int) {
		r := &Report{Title: text, Message: text, Detail: &wire.Detail{Exceptions: []wire.Raised{{Frames: []wire.CodeFrame{{Line: 1, First: 1, Source: []string{line}, From: max(from, 0), To: max(to, 0), Function: text}}}}}}
		page := string(r.html(httptest.NewRequest("GET", "/", nil), text, text))
		if strings.Count(page, "<script>") != 1 || strings.Count(page, "</script>") != 1 || strings.Count(page, "<style>") != 1 {
			t.Errorf("%q", page)
		}
	})
}
