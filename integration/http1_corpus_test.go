package integration

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/standpipe/standpipe/integration/corpus"
)

// http1Corpus is the corpus of bridge/http1. slow are the cases that end by a timeout.
func http1Corpus(t testing.TB) (quick, slow []*corpus.Case) {
	t.Helper()
	cases, err := corpus.Read(filepath.Join(repoDir(), "bridge", "http1", "testdata", "corpus"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.Slow() {
			slow = append(slow, c)
		} else {
			quick = append(quick, c)
		}
	}
	return quick, slow
}

// play plays cases beside each other.
func (s *server) play(cases []*corpus.Case) {
	s.t.Helper()
	var all sync.WaitGroup
	slots := make(chan bool, 16)
	for _, c := range cases {
		slots <- true
		all.Go(func() {
			defer func() { <-slots }()
			o := c.Play(corpus.Playing{Dial: func() (net.Conn, error) { return s.dial() }, Patience: patience})
			if err := c.Check(o); err != nil {
				s.t.Errorf("%s (%s, %s): %v", c.Name, c.Place, c.Clause, err)
			}
		})
	}
	all.Wait()
}

// echoServer serves corpus.App. seen returns the targets that the app was asked for.
func echoServer(t testing.TB, o opts) (s *server, seen func() []string) {
	t.Helper()
	record := filepath.Join(t.TempDir(), "seen")
	o.App, o.Dir = "app:app", project(t, map[string]string{"app.py": corpus.App})
	o.Env = append(o.Env, "SEEN="+record)
	o.Args = append([]string{"-w", "2", "--threads", "4", "--max-body", "64KiB"}, o.Args...)
	return start(t, o), func() []string {
		b, err := os.ReadFile(record)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(b)), "\n")
	}
}

func noCanary(t testing.TB, seen []string) {
	t.Helper()
	if slices.Contains(seen, corpus.CanaryTarget) {
		t.Error("the app was asked for a canary")
	}
	if !slices.Contains(seen, corpus.ProbeTarget) {
		t.Errorf("the app was asked for %d targets, and for no probe", len(seen))
	}
}

// The corpus through the built binary: an app sees what it has to see, and nothing behind a refused request.
func TestHTTP1Corpus(t *testing.T) {
	t.Parallel()
	for _, buffering := range []string{"on", "off"} {
		t.Run("buffering "+buffering, func(t *testing.T) {
			t.Parallel()
			s, seen := echoServer(t, opts{Args: []string{"--request-buffering", buffering}})
			quick, _ := http1Corpus(t)
			s.play(quick)
			noCanary(t, seen())
		})
	}
	t.Run("timeouts", func(t *testing.T) {
		t.Parallel()
		s, _ := echoServer(t, opts{Args: []string{"--header-timeout", "1s", "--body-timeout", "1s"}})
		_, slow := http1Corpus(t)
		s.play(slow)
	})
}

// The corpus through a route to another server of ours: both see the same requests, whatever the first one makes of them
// on their way.
func TestHTTP1CorpusThroughRoute(t *testing.T) {
	t.Parallel()
	back, seen := echoServer(t, opts{})
	for _, buffering := range []string{"true", "false"} {
		t.Run("buffering "+buffering, func(t *testing.T) {
			front := start(t, opts{Bare: true, Apps: 1, Args: []string{"-c", "standpipe.toml"}, Dir: project(t, map[string]string{
				"app.py": hello("x"),
				"standpipe.toml": fmt.Sprintf(`
[[listen]]
address = "127.0.0.1:0"
[[app]]
name = "a"
module = "app:app"
workers = 1
mount = "/elsewhere"
[[route]]
path = "/"
handler = "proxy"
upstreams = ["http://%s"]
request_buffering = %s
[limits]
max_body = "64KiB"
[log]
log_format = "json"
`, back.Addr, buffering)})})
			quick, _ := http1Corpus(t)
			var cases []*corpus.Case
			for _, c := range quick {
				if !c.Skips("proxy") {
					cases = append(cases, c.Forwarded())
				}
			}
			front.play(cases)
		})
	}
	noCanary(t, seen())
}
