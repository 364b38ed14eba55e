package integration

import (
	"io"
	"net/url"
	"strings"
	"testing"
	"time"
)

// aborted means that bytes are missing. A client that leaves with all of them, while the app's generator or its close() still
// runs, and an app that raises then, are no such thing.
func TestFault_A7_AbortedMeansBytesAreMissing(t *testing.T) {
	t.Parallel()
	app := `
import os, time
from urllib.parse import parse_qs

class Body:
    def __init__(self, how, gate): self.how, self.gate, self.parts = how, gate, [b"x" * 100, b"y" * 100]
    def wait(self):
        open(self.gate + ".there", "w").close()
        while not os.path.exists(self.gate): time.sleep(0.01)
    def __iter__(self):
        yield self.parts[0]
        if self.how == "cut": self.wait()
        yield self.parts[1]
        if self.how == "generator": self.wait()
        if self.how == "raises": raise ValueError("late")
    def close(self):
        if self.how == "close": self.wait()

def app(environ, start_response):
    q = parse_qs(environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Length", "200")])
    return Body(environ["PATH_INFO"][1:], q["gate"][0])
`
	s := start(t, opts{App: "app:app", Dir: project(t, map[string]string{"app.py": app}), Args: []string{"-w", "1", "--threads", "4", "--access-log-format", "json"}})
	for _, how := range []string{"generator", "close", "cut", "raises", "head"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			g := newGate(t)
			c, err := s.dial()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(bootPatience))
			method := "GET"
			if how == "head" {
				method = "HEAD"
			}
			_, _ = io.WriteString(c, method+" /"+how+"?gate="+url.QueryEscape(g.path)+" HTTP/1.1\r\nHost: a\r\nX-Request-ID: "+how+"\r\n\r\n")
			var got []byte
			want := map[string]string{"cut": strings.Repeat("x", 100), "head": "\r\n\r\n"}[how]
			if want == "" {
				want = strings.Repeat("y", 100)
			}
			for buf := make([]byte, 4096); !strings.HasSuffix(string(got), want); {
				n, err := c.Read(buf)
				if got = append(got, buf[:n]...); err != nil {
					t.Fatalf("%q: %v", got, err)
				}
			}
			disconnect(c)
			line := func() string { return s.with(t).waitAccess(`"target":"/` + how + `\?`) }
			l := line() // the client's leaving ends the request, not the gate
			g.open(t)
			if r := parseRecord(l); (r.str("aborted") == "true") != (how == "cut") || r.str("status") != "200" {
				t.Errorf("%s", l)
			}
		})
	}
}
