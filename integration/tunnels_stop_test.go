package integration

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
)

// lasting is an upstream whose tunnels say hello with a name, repeat what they hear, and stay open when their client sends no more;
// a request for /hang is not answered.
func lasting(t testing.TB, name string) *recorder {
	t.Helper()
	over := make(chan struct{})
	up := recording(t, func(head string, c net.Conn, br *bufio.Reader) {
		if !strings.HasPrefix(head, "GET /hang ") {
			io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"+name+"\n")
			if _, err := io.Copy(c, br); err != nil {
				return
			}
		}
		<-over
	})
	t.Cleanup(func() { close(over) }) // before up waits
	return up
}

// says sends text through a tunnel and reads it back.
func says(t testing.TB, c net.Conn, br *bufio.Reader, text string) {
	t.Helper()
	sent := make(chan error, 1)
	go func() { // ends with the connection
		_, err := io.WriteString(c, text)
		sent <- err
	}()
	back := make([]byte, len(text))
	if _, err := io.ReadFull(br, back); err != nil || string(back) != text {
		t.Fatalf("%d bytes came back differently: %v", len(text), err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

// named opens a tunnel and reads the name of its upstream.
func (s *server) named(want string) (net.Conn, *bufio.Reader) {
	s.t.Helper()
	c := s.tunnel()
	return c, namedAs(s.t, c, want)
}

// namedAs reads the name of the upstream.
func namedAs(t testing.TB, c net.Conn, want string) *bufio.Reader {
	t.Helper()
	br := switched(t, c)
	if name, err := br.ReadString('\n'); name != want+"\n" || err != nil {
		t.Fatalf("the tunnel leads to %q, want %q (%v)", name, want, err)
	}
	return br
}

// ends reads to the end of a tunnel that the server closes: nothing else comes.
func ends(t testing.TB, br *bufio.Reader) {
	t.Helper()
	if rest, err := io.ReadAll(br); len(rest) > 0 || err != nil {
		t.Errorf("%q came, %v", rest, err)
	}
}

func tunnelConfig(more, upstream string) map[string]string {
	return map[string]string{"standpipe.toml": fmt.Sprintf("%s\n[[route]]\nhandler = \"proxy\"\npath = \"/\"\nupstreams = [%q]\n", more, upstream)}
}

// At a stop tunnels go on for graceful_timeout, with all of their bytes; then they are closed and named in one record. Requests are another
// matter.
func TestTunnelsAtAStop(t *testing.T) {
	t.Parallel()
	for name, beside := range map[string]bool{"tunnels alone": false, "beside a request": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, opts{Apps: -1, Dir: project(t, tunnelConfig("[stop]\ngraceful_timeout = \"8s\"\nterm_grace = \"1s\"", lasting(t, "a").URL))})
			first, in := s.named("a")
			second, ofSecond := s.named("a")
			if err := second.(*net.TCPConn).CloseWrite(); err != nil { // it only listens from now on
				t.Fatal(err)
			}
			var st struct {
				Tunnels struct {
					Open   int
					Oldest float64 `json:"oldest_seconds"`
				}
			}
			if err := json.Unmarshal([]byte(s.must("status", "--json")), &st); err != nil || st.Tunnels.Open != 2 || st.Tunnels.Oldest <= 0 {
				t.Errorf("%+v, %v", st, err)
			}
			if text := s.must("status"); !strings.Contains(text, "tunnels 2") {
				t.Error(text)
			}
			if n := s.metrics("unix", s.controlSocket())["standpipe_tunnels{}"]; n != 2 {
				t.Errorf("standpipe_tunnels is %v", n)
			}
			if beside {
				c, err := s.dialPlain()
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				io.WriteString(c, "GET /hang HTTP/1.1\r\nHost: h\r\n\r\n")
				eventually(t, "the request runs", func() bool {
					return strings.Contains(s.must("status"), "in flight 3")
				})
			}
			s.signal(syscall.SIGTERM)
			s.waitEvent("stopping")
			says(t, first, in, strings.Repeat("0123456789abcdef", 64<<10))
			ends(t, in)
			ends(t, ofSecond)
			if code := s.wait(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			r := s.events("tunnels_closed")
			if len(r) != 1 || r[0]["tunnels"] != 2.0 || strings.Count(r[0].str("closed"), "GET /ws ") != 2 || !strings.Contains(r[0].str("closed"), "id=") {
				t.Errorf("%v", r)
			}
			if n := len(s.events("drain_ended")); n != map[bool]int{true: 1}[beside] {
				t.Errorf("%d records drain_ended", n)
			}
			if took, ok := s.waitEvent("stopped")["took"].(float64); !ok || took < 8 || took > 60 {
				t.Errorf("the stop took %v s", took)
			}
		})
	}
}

// A reload leaves tunnels alone, whatever becomes of their route; when another process takes over, the old one keeps them for its time.
func TestTunnelsOverAReloadAndAnUpgrade(t *testing.T) {
	t.Parallel()
	first, second := lasting(t, "a"), lasting(t, "b")
	grace := "[stop]\ngraceful_timeout = \"10s\""
	s := start(t, opts{Apps: -1, Dir: project(t, tunnelConfig(grace, first.URL))})
	old, ofOld := s.named("a")
	write(t, s.Cmd.Dir, tunnelConfig(grace, second.URL))
	s.must("reload")
	newer, ofNewer := s.named("b")
	says(t, old, ofOld, "still there")
	write(t, s.Cmd.Dir, map[string]string{"standpipe.toml": strings.Replace(configOf(t, s), `"/"`, `"/ws"`, 1)})
	s.must("reload")
	says(t, old, ofOld, "still there")
	says(t, newer, ofNewer, "still there")

	s.usr2()
	s.upgraded()
	says(t, old, ofOld, strings.Repeat("0123456789abcdef", 64<<10))
	next, ofNext := s.named("b")
	ends(t, ofOld)
	ends(t, ofNewer)
	if code := s.oldEnded(bootPatience); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if r := s.events("tunnels_closed"); len(r) != 1 || r[0]["tunnels"] != 2.0 || len(s.events("drain_ended")) != 0 {
		t.Errorf("%v", r)
	}
	says(t, next, ofNext, "of the new process")
}
