package integration

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// The stream sends the state again and again, to a bounded number of clients, and ends with the server.
func TestTopStream(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"shop.py": figuresApp})
	s := start(t, opts{App: "shop:app", Dir: dir, Args: []string{"-w", "1"}})
	open := func(target string) (*http.Response, *bufio.Scanner) {
		t.Helper()
		resp, err := s.controlClient().Get("http://x" + target)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		return resp, lines
	}
	next := func(lines *bufio.Scanner) (one top, ok bool) {
		t.Helper()
		for lines.Scan() {
			if v, data := strings.CutPrefix(lines.Text(), "data: "); data {
				if err := json.Unmarshal([]byte(v), &one); err != nil {
					t.Fatal(err)
				}
				return one, true
			}
		}
		return one, false
	}
	resp, first := open("/v1/top/stream?every=200ms")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	if one, ok := next(first); !ok || one.Status.Pid != s.Pid || len(one.Status.Apps) != 1 {
		t.Errorf("%+v", one)
	}
	s.want(200, "/")
	for { // it shows what has changed
		one, ok := next(first)
		if !ok {
			t.Fatal("the stream has ended")
		}
		if len(one.Figures.Apps) == 1 && one.Figures.Apps[0].Total == 1 {
			break
		}
	}
	var rest []*http.Response
	for range 15 {
		r, lines := open("/v1/top/stream?every=1m")
		if _, ok := next(lines); !ok {
			t.Error("a stream without an event")
		}
		rest = append(rest, r)
	}
	if resp, _ := open("/v1/top/stream"); resp.StatusCode != 503 {
		t.Errorf("the 17th stream: %d", resp.StatusCode)
	}
	rest[0].Body.Close()
	eventually(t, "there is a place again", func() bool {
		resp, err := s.controlClient().Get("http://x/v1/top/stream")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == 200
	})
	if code := s.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	for {
		if _, ok := next(first); !ok {
			break
		}
	}
}
