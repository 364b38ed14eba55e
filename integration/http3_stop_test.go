package integration

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A stream that runs at a SIGTERM is answered; connections without one do not delay the end.
func TestHTTP3Stop(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, threeListen+"[stop]\nstop_timeout = \""+longStop+"\"\n", map[string]string{"app.py": http2App})
	if resp, _, err := page(secureThree(t, a, nil), s.URL); err != nil || resp.ProtoMajor != 3 { // stays open
		t.Fatal(err)
	}
	rest := begunStream(t, secureThree(t, a, nil), s)
	s.signal(syscall.SIGTERM)
	s.waitEvent("stopping")
	openGate(t, s)
	begun := time.Now()
	if text, err := rest(); text != "ended\n" || err != nil {
		t.Errorf("the running stream: %q, %v", text, err)
	}
	if code := s.wait(); code != 0 || time.Since(begun) > time.Minute {
		t.Errorf("exit code %d after %v", code, time.Since(begun))
	}
}

// openGate ends the answers of /stream.
func openGate(t testing.TB, s *server) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.Cmd.Dir, "gate"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// parent is the process of which a worker has answered the request.
func parent(c *http.Client, s *server) (int, error) {
	resp, err := c.Get(s.URL + "/")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var environ map[string]string
	if err := json.NewDecoder(resp.Body).Decode(&environ); err != nil {
		return 0, err
	}
	return strconv.Atoi(environ["ppid"])
}

// When another process has taken over, the packets of a stream that runs still reach the old one, which answers it. Clients
// that ask meanwhile lose no answer, and end at the new process.
func TestHTTP3Upgrade(t *testing.T) {
	t.Parallel()
	a := newAuthority(t, "test CA")
	s := secureServer(t, a, threeListen, map[string]string{"app.py": http2App})
	c := secureThree(t, a, nil)
	rest := begunStream(t, c, s)
	old := s.Pid
	done := make(chan struct{})
	var load sync.WaitGroup
	for range 3 {
		load.Go(func() {
			c := secureThree(t, a, nil)
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := parent(c, s); err != nil {
					t.Errorf("a client that asks meanwhile: %v", err)
					return
				}
			}
		})
	}
	s.usr2()
	s.upgraded()
	eventually(t, "requests go to the new process", func() bool {
		pid, err := parent(c, s)
		if err != nil {
			t.Fatal(err)
		}
		return pid == s.Pid
	})
	if !alive(old) {
		t.Error("the old process has ended with a stream that runs")
	}
	openGate(t, s)
	if text, err := rest(); text != "ended\n" || err != nil {
		t.Errorf("the running stream: %q, %v", text, err)
	}
	eventually(t, "the old process has ended", func() bool { return !alive(old) })
	close(done)
	load.Wait()
	if pid, err := parent(secureThree(t, a, nil), s); err != nil || pid != s.Pid {
		t.Error(pid, err)
	}
	if list := s.events("listener_failed"); len(list) > 0 {
		t.Error(list)
	}
}
