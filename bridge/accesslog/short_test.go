package accesslog

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
)

var noon = time.Date(2026, 3, 1, 12, 30, 1, 0, time.UTC)

// short is the line of a request that took so long.
func short(t Terminal, method, target string, status int, took time.Duration, change func(*httpx.RequestInfo)) string {
	r := httptest.NewRequest("GET", "/", nil)
	r.Method, r.RequestURI = method, target
	rec := new(httpx.Writer)
	rec.Reset(httptest.NewRecorder())
	rec.Info = httpx.RequestInfo{Start: noon, App: "shop", Worker: "shop/1", Source: "app"}
	if change != nil {
		change(&rec.Info)
	}
	if rec.Info.Status == 0 {
		rec.WriteHeader(status)
	}
	l := &Log{terminal: t}
	return string(l.appendShort(nil, rec, r, noon.Add(took)))
}

func TestShort(t *testing.T) {
	for _, c := range []struct {
		method, target string
		status         int
		took           time.Duration
		change         func(*httpx.RequestInfo)
		want           string
	}{
		{"GET", "/cart?x=1", 200, 12300 * time.Microsecond, nil, "12:30:01 200 GET /cart?x=1 12 ms shop/1"},
		{"POST", "/", 302, 400 * time.Microsecond, nil, "12:30:01 302 POST / 0.4 ms shop/1"},
		{"GET", "/", 503, 1250 * time.Millisecond, func(n *httpx.RequestInfo) { n.Worker, n.Source, n.Wait = "", "server", 1240*time.Millisecond }, "12:30:01 503 GET / 1.25 s (1.24 s waiting) server"},
		{"GET", "/a.css", 200, 100 * time.Microsecond, func(n *httpx.RequestInfo) { n.Worker, n.Source = "", "static" }, "12:30:01 200 GET /a.css 0.1 ms static"},
		{"GET", "/", 200, time.Second, func(n *httpx.RequestInfo) { n.Cache = "hit" }, "12:30:01 200 GET / 1.00 s cache"},
		{"GET", "/", 200, 200 * time.Second, func(n *httpx.RequestInfo) { n.Upstream, n.Worker = "http://10.0.0.1:80", "" }, "12:30:01 200 GET / 200 s http://10.0.0.1:80"},
		{"GET", "/", 0, time.Second, func(n *httpx.RequestInfo) { n.Status = httpx.StatusClientGone }, "12:30:01 499 GET / 1.00 s shop/1 client disconnected"},
		{"GET", "/\x1b[2J\x9b\u202e\n\"", 200, 0, nil, `12:30:01 200 GET /\x1b[2J\x9b\xe2\x80\xae\x0a\x22 0.0 ms shop/1`},
	} {
		if got := short(Terminal{}, c.method, c.target, c.status, c.took, c.change); got != c.want+"\n" {
			t.Errorf("%q\n%q", got, c.want)
		}
		colored := short(Terminal{Color: true}, c.method, c.target, c.status, c.took, c.change)
		for _, code := range []string{faint, green, cyan, yellow, red, plain} {
			colored = strings.ReplaceAll(colored, code, "")
		}
		if colored != c.want+"\n" {
			t.Errorf("without its colours: %q\n%q", colored, c.want)
		}
	}
	for status, code := range map[int]string{200: green, 304: cyan, 404: yellow, 500: red} {
		if got := short(Terminal{Color: true}, "GET", "/", status, 0, nil); !strings.Contains(got, code+"") || !strings.HasSuffix(got, plain+"\n") {
			t.Errorf("%d: %q", status, got)
		}
	}
	if got := short(Terminal{Color: true}, "GET", "/", 200, 0, func(n *httpx.RequestInfo) { n.Source = "static" }); !strings.HasPrefix(got, faint) || strings.Contains(got, green) || strings.Count(got, plain) != 1 {
		t.Errorf("a file: %q", got)
	}
}

// A line is no wider than the terminal, whatever its target has.
func TestShortIsCut(t *testing.T) {
	for _, target := range []string{"/" + strings.Repeat("abc", 100), "/" + strings.Repeat("日本", 100), "/" + strings.Repeat("\x01", 100), "/short"} {
		for _, wide := range []int{50, 80, 81, 200} {
			got := strings.TrimSuffix(short(Terminal{Width: func() int { return wide }}, "GET", target, 200, 12*time.Millisecond, nil), "\n")
			if n := columns(got); n > wide || !strings.HasSuffix(got, " 12 ms shop/1") || len(target) > 10 && n < wide-2 {
				t.Errorf("%d columns of %d: %q", n, wide, got)
			}
		}
	}
	if got := short(Terminal{Width: func() int { return 10 }}, "GET", "/abcdefghijklmnopqrstuvwxyz", 200, 0, nil); !strings.Contains(got, "/abcdefghijklmn…") {
		t.Errorf("%q", got)
	}
	if got := short(Terminal{Width: func() int { return 0 }}, "GET", "/abcdefghijklmnopqrstuvwxyz", 200, 0, nil); strings.Contains(got, "…") {
		t.Errorf("%q", got)
	}
}

// No target or method begins a line or controls the terminal.
func FuzzShort(f *testing.F) {
	f.Add("GET", "/a\x1b]0;x\a\r\n", 80)
	f.Add("\x00", "/\xff日", 20)
	f.Fuzz(func(t *testing.T, method, target string, wide int) {
		got := short(Terminal{Width: func() int { return wide }}, method, target, 200, time.Millisecond, nil)
		if strings.Count(got, "\n") != 1 || strings.ContainsFunc(got[:len(got)-1], func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
			t.Fatalf("%q", got)
		}
	})
}
