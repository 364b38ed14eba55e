package integration

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// uwsgiPacket is a request as a web server sends it.
func uwsgiPacket(pairs ...string) string {
	var b strings.Builder
	for _, kv := range append([]string{"REQUEST_METHOD=GET", "SERVER_PROTOCOL=HTTP/1.1", "REMOTE_ADDR=192.0.2.9", "HTTP_HOST=h"}, pairs...) {
		name, value, _ := strings.Cut(kv, "=")
		for _, s := range []string{name, value} {
			b.WriteString(string([]byte{byte(len(s)), byte(len(s) >> 8)}) + s)
		}
	}
	size := b.Len()
	return string([]byte{0, byte(size), byte(size >> 8), 0}) + b.String()
}

// askUwsgi sends one request and reads the answer.
func askUwsgi(t testing.TB, addr string, pairs ...string) (string, error) {
	t.Helper()
	network := "tcp"
	if strings.HasPrefix(addr, "/") {
		network = "unix"
	}
	c, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(3 * patience))
	if _, err := io.WriteString(c, uwsgiPacket(pairs...)); err != nil {
		return "", err
	}
	b, err := io.ReadAll(c)
	return string(b), err
}

// Another process takes the uwsgi sockets over under load: no request is refused, and what ran is answered.
func TestUwsgiUpgrade(t *testing.T) {
	t.Parallel()
	binary := copyOfBinary(t)
	s := speaksUwsgi(t, opts{Argv: []string{binary, "serve"}, Args: []string{"-w", "2", "--timeout", "10m"}})
	tcp, unix := s.uwsgiAddresses()
	gate := filepath.Join(t.TempDir(), "gate")
	slow := make(chan string, 1)
	go func() {
		a, err := askUwsgi(t, tcp, "PATH_INFO=/gate", "QUERY_STRING="+gate)
		slow <- fmt.Sprint(a, err)
	}()
	eventually(t, "the app has begun", func() bool { _, err := os.Stat(gate + ".begun"); return err == nil })
	stop, faults := make(chan struct{}), make(chan string, 2)
	for _, addr := range []string{tcp, unix} {
		go func() {
			asked := 0
			for ; ; asked++ {
				select {
				case <-stop:
					faults <- ""
					return
				default:
				}
				if a, err := askUwsgi(t, addr, "PATH_INFO=/pid"); err != nil || !strings.HasPrefix(a, "HTTP/1.1 200 ") {
					faults <- fmt.Sprintf("%s, request %d: %q %v", addr, asked, a, err)
					return
				}
			}
		}()
	}
	s.usr2()
	s.upgraded()
	for range 20 { // by the new process
		if a, err := askUwsgi(t, unix, "PATH_INFO=/pid"); err != nil || !strings.HasPrefix(a, "HTTP/1.1 200 ") {
			t.Errorf("%q %v", a, err)
		}
	}
	close(stop)
	for range 2 {
		if f := <-faults; f != "" {
			t.Error(f)
		}
	}
	write(t, filepath.Dir(gate), map[string]string{"gate": ""})
	if a := <-slow; !strings.HasSuffix(a, "through the gate<nil>") {
		t.Errorf("what ran before: %q", a)
	}
	if code := s.oldEnded(endPatience); code != 0 {
		t.Errorf("the old process: exit code %d", code)
	}
	if st, err := os.Stat(unix); err != nil || st.Mode()&os.ModeSocket == 0 {
		t.Errorf("the socket's file: %v %v", st, err)
	}
}

// A socket that systemd hands over.
func TestUwsgiSocketActivation(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := start(t, opts{Dir: appDir(t, "behind"), App: "app:app", Listen: []string{"uwsgi+fd://3"}, ExtraFiles: []*os.File{f}, Args: []string{"-w", "1"}})
	a, err := askUwsgi(t, ln.Addr().String(), "PATH_INFO=/a")
	if err != nil || !strings.Contains(a, `"PATH_INFO": "/a"`) {
		t.Errorf("%q %v", a, err)
	}
	s.waitAccess(`^192\.0\.2\.9 .*"GET /a HTTP/1.1" 200 `)
}

// max_connections counts uwsgi connections with all others: at the limit they wait.
func TestUwsgiConnectionLimit(t *testing.T) {
	t.Parallel()
	s := speaksUwsgi(t, opts{Args: []string{"-w", "1", "--threads", "4", "--max-connections", "3", "--idle-timeout", "60"}})
	tcp, unix := s.uwsgiAddresses()
	dir := t.TempDir()
	// One is taken by each listener that waits for its next connection: so it is the last one that waits.
	var waiting []net.Conn
	for range 3 {
		c, err := net.Dial("unix", unix)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		waiting = append(waiting, c)
	}
	late := make(chan string, 1)
	go func() {
		a, err := askUwsgi(t, tcp, "PATH_INFO=/gate", "QUERY_STRING="+filepath.Join(dir, "g"))
		late <- fmt.Sprint(a, err)
	}()
	s.waitEvent("accept_paused")
	select {
	case a := <-late:
		t.Fatalf("answered beyond the limit: %q", a)
	default:
	}
	for _, c := range waiting {
		c.Close()
	}
	eventually(t, "the app has begun", func() bool { _, err := os.Stat(filepath.Join(dir, "g.begun")); return err == nil })
	write(t, dir, map[string]string{"g": ""})
	if a := <-late; !strings.HasSuffix(a, "through the gate<nil>") {
		t.Errorf("%q", a)
	}
}

// What is no request for a WSGI app ends in the log, and a broken packet in the access log too.
func TestUwsgiRefusals(t *testing.T) {
	t.Parallel()
	s := speaksUwsgi(t, opts{Args: []string{"-w", "1"}})
	tcp, _ := s.uwsgiAddresses()
	send := func(data string) string { return s.at(tcp).raw(data) }
	if a := send("\x64\x00\x00\x00"); a != "\x64\x00\x00\x01" {
		t.Errorf("ping: %q", a)
	}
	if a := send("\x16\x0f\x00\x00import os; exit()"); a != "" {
		t.Errorf("code evaluation: %q", a)
	}
	s.waitLog(func(r record) bool { return r.event() == "uwsgi_refused" && r.str("asks_for") == "code evaluation" }, "code evaluation")
	if a := send(uwsgiPacket("PATH_INFO=/sum", "CONTENT_LENGTH=1", "CONTENT_LENGTH=2") + "xx"); !strings.HasPrefix(a, "HTTP/1.1 400 ") {
		t.Errorf("two lengths: %q", a)
	}
	s.waitLog(func(r record) bool {
		return r.event() == "uwsgi_refused" && r.names("CONTENT_LENGTH")
	}, "two lengths")
	s.waitAccess(`^127\.0\.0\.1 .*"- - -" 400 `)
	if a := send("GET / HTTP/1.1\r\nHost: h\r\n\r\n"); a != "" {
		t.Errorf("HTTP: %q", a)
	}
	s.waitLog(func(r record) bool { return r.event() == "uwsgi_refused" && r.names("HTTP", "uwsgi://") }, "a hint for a client that speaks HTTP")
}

// A file that the app names goes out whole and in part, over both kinds of socket.
func TestUwsgiFiles(t *testing.T) {
	t.Parallel()
	s, path, data := files(t, 3<<20, opts{Listen: []string{"127.0.0.1:0", "uwsgi://127.0.0.1:0", "uwsgi+unix:" + filepath.Join(socketDir(t), "u")}})
	tcp, unix := s.uwsgiAddresses()
	for _, addr := range []string{tcp, unix} {
		for _, c := range []struct{ field, status, body string }{{"HTTP_X=", "200 OK", data}, {"HTTP_RANGE=bytes=1000-2000999", "206 Partial Content", data[1000:2001000]}} {
			a, err := askUwsgi(t, addr, "PATH_INFO=/plain", "QUERY_STRING=path="+path, c.field)
			head, body, _ := strings.Cut(a, "\r\n\r\n")
			if err != nil || !strings.HasPrefix(head, "HTTP/1.1 "+c.status+"\r\n") || body != c.body {
				t.Errorf("%s: %q, %d bytes, %v", addr, head, len(body), err)
			}
		}
	}
}
