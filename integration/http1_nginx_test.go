package integration

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/standpipe/standpipe/integration/corpus"
)

// What nginx makes of the corpus, as a proxy: each difference is a row of DIFFERENCES.md with the clause.
func TestHTTP1BesideNginx(t *testing.T) {
	t.Parallel()
	version, _ := exec.Command(program(t, "nginx"), "-v").CombinedOutput()
	if !strings.Contains(string(version), "nginx/1.22.") {
		skip(t, "nginx-version", "the table is of nginx 1.22, here is "+string(version))
	}
	rows, err := corpus.Differences(filepath.Join(repoDir(), "bridge", "http1", "DIFFERENCES.md"), "nginx")
	if err != nil {
		t.Fatal(err)
	}
	listen := "127.0.0.1:" + freePort(t)
	n := nginx(t, listen, `
client_max_body_size 64k;
client_header_buffer_size 64k;
large_client_header_buffers 2 64k;
server {
    listen `+listen+`;
    server_name default;
    location / {
        proxy_pass http://`+lenientBackend(t)+`;
        proxy_set_header Host $host;
        proxy_ignore_client_abort on;
    }
}
`)
	cases, _ := http1Corpus(t)
	for _, wrong := range corpus.Compare(cases, rows, func(c *corpus.Case, quiet time.Duration) corpus.Outcome {
		return c.Play(corpus.Playing{Dial: func() (net.Conn, error) { return net.Dial("tcp", n.Addr) }, Patience: patience, Quiet: quiet})
	}) {
		t.Error(wrong)
	}
}

// lenientBackend takes whatever nginx sends, so that each refusal is nginx's own. It answers with an Echo and closes.
func lenientBackend(t testing.TB) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(patience))
				answerLeniently(c)
			})
		}
	})
	t.Cleanup(func() { ln.Close(); all.Wait() })
	return ln.Addr().String()
}

func answerLeniently(c net.Conn) {
	r := bufio.NewReader(c)
	line := func() string {
		s, _ := r.ReadString('\n')
		return strings.TrimRight(s, "\r\n")
	}
	words := strings.Split(line(), " ")
	e := corpus.Echo{Method: words[0], Target: words[min(1, len(words)-1)]}
	length := 0
	for s := line(); s != ""; s = line() {
		name, value, _ := strings.Cut(s, ": ")
		switch strings.ToLower(name) {
		case "host":
			e.Host = value
		case "content-length":
			length, _ = strconv.Atoi(value)
		}
	}
	body := make([]byte, length)
	_, _ = io.ReadFull(r, body)
	if !strings.HasPrefix(e.Target, "/unread") {
		e.Body = corpus.Brief(string(body))
	}
	runes := make([]rune, len(e.Body))
	for i := range len(e.Body) {
		runes[i] = rune(e.Body[i])
	}
	e.Body = string(runes)
	text, _ := json.Marshal(e)
	fmt.Fprintf(c, "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n", len(text))
	if e.Method != "HEAD" {
		_, _ = c.Write(text)
	}
}
