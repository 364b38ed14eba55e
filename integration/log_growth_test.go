package integration

import (
	"strconv"
	"strings"
	"testing"
)

// A worker that is replaced for its size is a warning, with the limit, the growth and the requests that grew it most.
func TestFault_A7_MaxRSSNamesTheRequests(t *testing.T) {
	t.Parallel()
	app := `
kept = []
def app(environ, start_response):
    if environ["PATH_INFO"] == "/leak":
        kept.append(bytes(bytearray(b"x") * (8 << 20)))
    start_response("200 OK", [("Content-Length", "1")])
    return [b"x"]
`
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": app}), Args: []string{"-w", "1", "--max-rss", "150MiB"}})
	s.want(200, "/fine")
	for range 20 {
		s.want(200, "/leak?secret=1")
		s.want(200, "/fine")
	}
	r := s.waitLog(func(r record) bool { return r.event() == "worker_exit" && r.str("reason") == "max_rss" }, "worker_exit")
	growth, _ := strconv.Atoi(r.str("growth"))
	if r.str("level") != "warn" || r.str("limit") != strconv.Itoa(150<<20) || growth < 100<<20 || !strings.HasPrefix(r.str("grew"), "GET /leak +") || strings.Contains(r.str("grew"), "secret") {
		t.Errorf("%v", r)
	}
}
