package integration

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// packetOf is a uwsgi request of these variables: name, value, ...
func packetOf(pairs ...string) string {
	var b []byte
	for _, s := range pairs {
		b = append(binary.LittleEndian.AppendUint16(b, uint16(len(s))), s...)
	}
	return string(append([]byte{0, byte(len(b)), byte(len(b) >> 8), 0}, b...))
}

// packetAnswer sends a packet and returns the whole answer.
func packetAnswer(t testing.TB, addr string, pairs ...string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(bootPatience))
	if _, err := io.WriteString(c, packetOf(pairs...)); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFault_D14_Uwsgi: what a server in front passes on, of all that a client may send.
func TestFault_D14_Uwsgi(t *testing.T) {
	t.Parallel()
	s := speaksUwsgi(t, opts{App: "app:application", Dir: project(t, map[string]string{"app.py": answersApp}), Args: []string{"-w", "1"}})
	tcp, unix := s.uwsgiAddresses()
	base := []string{"REQUEST_METHOD", "GET", "PATH_INFO", "/a", "QUERY_STRING", "", "SERVER_PROTOCOL", "HTTP/1.1"}
	with := func(more ...string) []string { return append(append([]string{}, base...), more...) }

	for _, c := range []struct {
		more []string
		want string
	}{
		{[]string{"REQUEST_URI", "http://a.example/a"}, "REQUEST_URI=http://a.example/a\n"},
		{[]string{"REQUEST_URI", "HTTPS://a.example:443/a?x"}, "REQUEST_URI=HTTPS://a.example:443/a?x\n"},
		{[]string{"REQUEST_URI", "/a", "HTTP_X_A", "\tone two\t ", "HTTP_HOST", " a.example\t", "CONTENT_TYPE", "\ttext/x \t"}, "CONTENT_TYPE=text/x\nHTTP_HOST=a.example\nHTTP_X_A=one two\n"},
	} {
		if got := packetAnswer(t, tcp, with(c.more...)...); !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") || !strings.Contains(withoutID(got), c.want) {
			t.Errorf("%q: %q, want %q", c.more, got, c.want)
		}
	}
	for _, c := range [][]string{{"REQUEST_URI", "http:///a"}, {"REQUEST_URI", "ftp://a/a"}, {"REQUEST_URI", "a"}, {"REQUEST_URI", "/a", "HTTP_HOST", "a:abc"}, {"REQUEST_URI", "/a", "HTTP_HOST", "a%2fb"}} {
		if got := packetAnswer(t, tcp, with(c...)...); !strings.HasPrefix(got, "HTTP/1.1 400 ") {
			t.Errorf("%q: %.100q", c, got)
		}
	}
	var many []string
	for i := range 1500 {
		many = append(many, fmt.Sprintf("V%d", i), "")
	}
	if got := packetAnswer(t, tcp, with(many...)...); !strings.HasPrefix(got, "HTTP/1.1 431 ") {
		t.Errorf("1,500 variables: %.100q", got)
	}
	for line, want := range map[string]string{"498 Invalid Token": "498 Invalid Token", "599": "599 ", "404 NOT FOUND": "404 NOT FOUND", "404": "404 Not Found"} {
		got := packetAnswer(t, tcp, "REQUEST_METHOD", "GET", "PATH_INFO", "/status", "QUERY_STRING", "line="+strings.ReplaceAll(line, " ", "%20"))
		if first, _, _ := strings.Cut(got, "\r\n"); first != "HTTP/1.1 "+want {
			t.Errorf("%q: %q", line, first)
		}
	}

	// The same by the real Apache.
	for network, connect := range map[string]string{"tcp": "uwsgi://" + tcp, "unix": "uwsgi+unix:" + unix} {
		t.Run("apache "+network, func(t *testing.T) {
			f := s.front(t, "apache", connect, nil)
			got := f.raw("GET http://a.example/x?y=1 HTTP/1.1\r\nHost: a.example\r\nX-Tab:\tone\t\r\nConnection: close\r\n\r\n")
			for _, want := range []string{"HTTP/1.1 200 ", "HTTP_HOST=a.example\n", "HTTP_X_TAB=one\n", "PATH_INFO=/x\n"} {
				if !strings.Contains(got, want) {
					t.Errorf("%q is missing in %q", want, got)
				}
			}
			if got := f.raw("GET /status?line=498%20Invalid%20Token HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 498 Invalid Token\r\n") {
				t.Errorf("%.100q", got)
			}
		})
	}
}

// withoutID takes out the request's id, which the app sees too.
func withoutID(answer string) string {
	var kept []string
	for line := range strings.SplitSeq(answer, "\n") {
		if !strings.HasPrefix(line, "HTTP_X_REQUEST_ID=") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}
