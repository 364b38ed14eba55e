package chain

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/bridgetest"
	"github.com/standpipe/standpipe/bridge/httpx"
)

// serve sends a request through a stage, as a way in does.
func serve(stage func(http.Handler) http.Handler, r *http.Request, next http.HandlerFunc) (*httpx.Writer, *httptest.ResponseRecorder) {
	out := httptest.NewRecorder()
	rec := new(httpx.Writer)
	rec.Reset(out)
	e := httpx.EndsOf(r.RemoteAddr, nil)
	rec.Info.Met(time.Now(), &e)
	stage(next).ServeHTTP(rec, r)
	return rec, out
}

func TestPanics(t *testing.T) {
	for name, c := range map[string]struct {
		next            http.HandlerFunc
		status          int
		aborted, logged bool
		noted           int // of the log; 0: what was sent
		cut             bool
	}{
		"nothing":               {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }, 204, false, false, 204, false},
		"before the head":       {func(w http.ResponseWriter, r *http.Request) { panic("boom") }, 500, false, true, 500, false},
		"behind the head":       {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200); panic("boom") }, 200, true, true, 200, true},
		"a library's abort":     {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200); panic(http.ErrAbortHandler) }, 200, true, false, 200, true},
		"an abort":              {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200); httpx.Abort(w) }, 200, true, false, 200, true},
		"an abort without head": {func(w http.ResponseWriter, r *http.Request) { httpx.Abort(w) }, 0, true, false, 500, false},
		"an abort, noted":       {func(w http.ResponseWriter, r *http.Request) { httpx.Of(w).Status = 499; httpx.Abort(w) }, 0, true, false, 499, false},
		"a whole answer": {func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Length"] = []string{"2"}
			_, _ = w.Write([]byte("ok"))
			httpx.Of(w).Err = httpx.ErrClientGone
			httpx.Abort(w)
		}, 200, true, false, 200, false},
	} {
		t.Run(name, func(t *testing.T) {
			log := new(bridgetest.Log)
			stage := Panics(PanicsOptions{Log: hclog.New(&hclog.LoggerOptions{Output: log, JSONFormat: true})})
			rec, out := serve(stage, httptest.NewRequest("GET", "/", nil), func(w http.ResponseWriter, r *http.Request) {
				w.(*httpx.Writer).Defaults.Add("Server", "own")
				w.Header().Set("Set-Cookie", "secret")
				c.next(w, r)
			})
			n := &rec.Info
			if rec.Status() != c.status || rec.Aborted() != c.aborted || httpx.LoggedStatus(rec) != c.noted || n.Aborted != c.cut || n.Err != nil {
				t.Errorf("%d, aborted %v, logged %d, %+v", rec.Status(), rec.Aborted(), httpx.LoggedStatus(rec), n)
			}
			if strings.Contains(log.String(), `"panic"`) != c.logged {
				t.Errorf("the log: %s", log)
			}
			if c.status == 500 && (out.Header().Get("Set-Cookie") != "" || out.Header().Get("Server") != "own" || n.Source != "server") {
				t.Errorf("%v %+v", out.Header(), n)
			}
		})
	}
}

func TestID(t *testing.T) {
	for _, c := range []struct {
		believe, trusted, kept bool
	}{{true, true, true}, {false, true, false}, {true, false, false}} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("X-Request-Id", "sent")
		trusted := func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				httpx.Of(w).Trusted = c.trusted
				ID(c.believe)(next).ServeHTTP(w, r)
			})
		}
		rec, out := serve(trusted, r, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
		id := rec.Info.ID
		if (id == "sent") != c.kept || r.Header["X-Request-Id"] != nil || out.Header().Get("X-Request-Id") != id || id == "" {
			t.Errorf("%+v: %q, %v, %v", c, id, r.Header, out.Header())
		}
	}
}

func TestDone(t *testing.T) {
	var heard []int
	observer := func(rec *httpx.Writer, r *http.Request, now time.Time) {
		heard = append(heard, httpx.LoggedStatus(rec))
		if now.Before(rec.Info.Start) {
			t.Error("it ended before it began")
		}
	}
	stage := Done(observer, observer)
	serve(stage, httptest.NewRequest("GET", "/", nil), func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) })
	serve(stage, httptest.NewRequest("GET", "/", nil), func(w http.ResponseWriter, r *http.Request) { httpx.Of(w).Silent = true })
	Refused("192.0.2.1:9", 431, []Observer{func(rec *httpx.Writer, r *http.Request, now time.Time) {
		if rec.Info.RemoteAddr != "192.0.2.1" || rec.Info.Source != "server" || rec.Info.ID == "" || r.Method != "-" {
			t.Errorf("%+v", rec.Info)
		}
		observer(rec, r, now)
	}})
	if len(heard) != 3 || heard[0] != 404 || heard[1] != 404 || heard[2] != 431 {
		t.Errorf("%v", heard)
	}
}

func TestFieldsOfHTTP2(t *testing.T) {
	for _, c := range []struct{ limit, fields, status int }{{200, 100, 0}, {200, 101, 431}, {50, 51, 431}} {
		r := httptest.NewRequest("GET", "/a", nil)
		r.ProtoMajor, r.ProtoMinor = 2, 0
		if status, _ := (&limits{o: LimitsOptions{MaxFields: c.limit}}).judge(&httpx.RequestInfo{FieldCount: c.fields}, r); status != c.status {
			t.Errorf("%+v: %d", c, status)
		}
	}
}

func TestLimitsJudge(t *testing.T) {
	const maxFields = 30
	many := http.Header{}
	for range maxFields + 1 {
		many.Add("X", "y")
	}
	s := &limits{o: LimitsOptions{MaxBody: 10, MaxTarget: 20, MaxFields: maxFields}}
	for name, c := range map[string]struct {
		change func(*http.Request, *httpx.RequestInfo)
		status int
	}{
		"a plain request":           {func(*http.Request, *httpx.RequestInfo) {}, 0},
		"the absolute form":         {func(r *http.Request, _ *httpx.RequestInfo) { r.RequestURI = "HTTP://h/a" }, 0},
		"HTTP/1.0 without a host":   {func(r *http.Request, _ *httpx.RequestInfo) { r.ProtoMinor, r.Host = 0, "" }, 0},
		"relayed without a host":    {func(r *http.Request, n *httpx.RequestInfo) { n.Relayed, r.Host = true, "" }, 0},
		"HTTP/2":                    {func(r *http.Request, _ *httpx.RequestInfo) { r.ProtoMajor, r.ProtoMinor = 2, 0 }, 0},
		"a body as large as it may": {func(r *http.Request, _ *httpx.RequestInfo) { r.ContentLength = 10 }, 0},
		"the HTTP/2 preface":        {func(r *http.Request, _ *httpx.RequestInfo) { r.Method, r.ProtoMajor, r.ProtoMinor = "PRI", 2, 0 }, 505},
		"HTTP/1.2":                  {func(r *http.Request, _ *httpx.RequestInfo) { r.ProtoMinor = 2 }, 505},
		"CONNECT":                   {func(r *http.Request, _ *httpx.RequestInfo) { r.Method = "CONNECT" }, 405},
		"a long target":             {func(r *http.Request, _ *httpx.RequestInfo) { r.RequestURI = "/" + strings.Repeat("a", 20) }, 414},
		"many fields":               {func(r *http.Request, _ *httpx.RequestInfo) { r.Header = many }, 431},
		"many fields, counted":      {func(_ *http.Request, n *httpx.RequestInfo) { n.FieldCount = maxFields + 1 }, 431},
		"a fragment":                {func(r *http.Request, _ *httpx.RequestInfo) { r.RequestURI = "/#a" }, 400},
		"another scheme":            {func(r *http.Request, _ *httpx.RequestInfo) { r.RequestURI = "ftp://h/a" }, 400},
		"no host":                   {func(r *http.Request, _ *httpx.RequestInfo) { r.Host = "" }, 400},
		"a bad host":                {func(r *http.Request, _ *httpx.RequestInfo) { r.Host = "a b" }, 400},
		"an ambiguous path":         {func(_ *http.Request, n *httpx.RequestInfo) { n.Ambiguous = true }, 400},
		"a large body":              {func(r *http.Request, _ *httpx.RequestInfo) { r.ContentLength = 11 }, 413},
	} {
		r := httptest.NewRequest("GET", "/a", nil)
		r.RequestURI = "/a"
		n := new(httpx.RequestInfo)
		c.change(r, n)
		if status, _ := s.judge(n, r); status != c.status {
			t.Errorf("%s: %d, want %d", name, status, c.status)
		}
	}
}

// A body that is too large has one record a minute for each app, whichever handler refused it.
func TestTooLarge(t *testing.T) {
	log := new(bridgetest.Log)
	stage := Limits(LimitsOptions{MaxBody: 10, Log: hclog.New(&hclog.LoggerOptions{Output: log, JSONFormat: true})})(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := httpx.Of(w)
		n.App, n.Err = r.URL.Path[1:], errors.New("too large")
		if n.Source = "server"; n.App == "own" {
			n.Source = "app"
		}
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	}))
	for _, target := range []string{"/shop", "/shop", "/blog", "/own"} {
		serve(func(http.Handler) http.Handler { return stage }, httptest.NewRequest("POST", target, nil), nil)
	}
	if n := strings.Count(log.String(), `"body_too_large"`); n != 2 {
		t.Errorf("%d records:\n%s", n, log)
	}
}

// A path with dot segments is cleaned before a stage looks at it, and what cannot be cleaned is no health check.
func TestPathAndHealth(t *testing.T) {
	for path, want := range map[string]int{"/livez": 200, "/x/../livez": 200, "/%2e/livez": 200, "/livez/..%2f": 299, "/other": 299} {
		r := httptest.NewRequest("GET", path, nil)
		stage := func(next http.Handler) http.Handler { return Path()(Health(HealthOptions{})(next)) }
		rec, _ := serve(stage, r, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(299) })
		if rec.Status() != want || rec.Info.Silent != (want == 200) {
			t.Errorf("%s: %d, silent %v, ambiguous %v", path, rec.Status(), rec.Info.Silent, rec.Info.Ambiguous)
		}
	}
}
