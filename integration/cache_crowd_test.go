package integration

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// crowdApp counts its requests; the second one's answer waits for a file.
const crowdApp = `import os, time
calls = 0
def app(environ, start_response):
    global calls
    calls += 1
    n = calls
    while n == 2 and not os.path.exists("GATE"):
        time.sleep(0.01)
    body = b"%d" % n
    start_response("200 OK", [("Content-Length", str(len(body))), ("Cache-Control", "max-age=%d" % (1 if n == 1 else 600))])
    return [body]
`

// 10,000 clients that ask for one page that has expired reach the app once: a hundred connections of HTTP/2 with a hundred
// requests each.
func TestCacheCrowd(t *testing.T) {
	t.Parallel()
	const connections, each = 100, 100
	a := newAuthority(t, "test CA")
	g := newGate(t)
	s := secureServer(t, a, "", map[string]string{"app.py": strings.Replace(crowdApp, "GATE", g.path, 1),
		"standpipe.toml": "metrics = \"127.0.0.1:0\"\n" + secureListen + "[[limit]]\nname = \"all\"\nconcurrency = 1000000\n[log]\naccess_log = \"off\"\n[cache]\ncache_wait = \"5m\"\n[[app]]\nname = \"shop\"\nmodule = \"app:app\"\nworkers = 1\ntimeout = \"20m\"\ncache = \"on\"\n"})
	url := "https://localhost:" + port(s) + "/"
	ask := func(c *http.Client, r *http.Request) (status int, body, cached string) {
		resp, err := c.Do(r)
		if err != nil {
			t.Error(err)
			return 0, "", ""
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		return resp.StatusCode, string(b), resp.Header.Get("Cache-Status")
	}
	stored := func() *http.Request {
		r, _ := http.NewRequest(http.MethodGet, url, nil)
		r.Header.Set("Cache-Control", "only-if-cached")
		return r
	}
	var clients [connections]*http.Client
	for i := range clients {
		clients[i] = secureTwo(t, a, nil)
		clients[i].Timeout = 2 * bootPatience // the first one waits for the last one
		r, _ := http.NewRequest(http.MethodGet, url, nil)
		if i > 0 {
			r = stored() // opens the connection
		}
		if status, _, _ := ask(clients[i], r); i == 0 && status != 200 {
			t.Fatal(status)
		}
	}
	eventually(t, "it has expired", func() bool { status, _, _ := ask(clients[0], stored()); return status == http.StatusGatewayTimeout })

	var collapsed atomic.Int64
	var all sync.WaitGroup
	for _, c := range clients {
		for range each {
			all.Go(func() { // ends with the answer
				r, _ := http.NewRequest(http.MethodGet, url, nil)
				status, body, cached := ask(c, r)
				if status != 200 || body != "2" {
					t.Errorf("%d %q %s", status, body, cached)
				}
				if strings.Contains(cached, "; collapsed") {
					collapsed.Add(1)
				}
			})
		}
	}
	within(t, bootPatience, "all requests run", func() bool { return s.scrape()[`standpipe_limit_running{limit="all"}`] == connections*each })
	g.open(t)
	all.Wait()
	if n := collapsed.Load(); n < connections*each-1 { // one asks, unless the page was refreshed early
		t.Errorf("%d of them have waited for the answer of another one", n)
	}
}
