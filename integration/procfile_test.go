package integration

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Real lines of Procfiles work with only the program's name changed.
func TestProcfileLines(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(repoDir(), "cmd", "standpipe", "testdata", "procfile.txt"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, line := range strings.Split(string(b), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		n++
		t.Run(strconv.Itoa(i+1), func(t *testing.T) { runProcfileLine(t, i+1, line) })
	}
	if n < 10 {
		t.Errorf("%d lines, want 10", n)
	}
}

func runProcfileLine(t *testing.T, number int, line string) {
	m := programLine.FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("line %d names no gunicorn: %q", number, line)
	}
	text := strings.Replace(m[1], "gunicorn", "standpipe serve", 1)
	dir, port := project(t, nil), freePort(t)
	base, addr, found := dir, "127.0.0.1:"+port, false
	words := strings.Fields(strings.ReplaceAll(strings.ReplaceAll(text, "=", " "), "$PORT", port))
	for i, w := range words[:len(words)-1] {
		switch w {
		case "--chdir":
			base = filepath.Join(dir, words[i+1])
		case "-b", "--bind":
			addr = words[i+1]
		}
	}
	for _, w := range words {
		// A module, its callable said or not: no other word of such a line looks like one.
		m := appWord.FindStringSubmatch(strings.Trim(w, `'"`))
		if m != nil && (m[2] != "" || strings.HasSuffix(m[1], ".wsgi")) {
			found = true
			stub(t, base, m[1], m[2])
		}
	}
	if !found {
		t.Fatalf("line %d: no module in %q", number, text)
	}
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		addr = filepath.Join(base, path)
	} else {
		host, p, _ := strings.Cut(addr, ":")
		if p == "" {
			p = "8000" // gunicorn's, and ours
		}
		if host == "" || host == "0.0.0.0" {
			host = "127.0.0.1"
		}
		addr = net.JoinHostPort(host, p)
	}

	tools := t.TempDir()
	env := []string{"PATH=" + fakeProgram(t, tools), "PORT=" + port, "WEB_CONCURRENCY=2"}
	s := start(t, opts{Argv: []string{"sh", "-c"}, Args: []string{text}, Bare: true, NoWait: true, Dir: dir, Env: env})
	there := s.at(addr)
	// A line may ask for a log that does not say when it listens: ask the address.
	for deadline := time.Now().Add(bootPatience); ; pause() {
		s.followProgram(tools)
		if r, err := there.try(there.request("GET", "/", nil)); err == nil && r.Status == 200 {
			if r.Body != "stub" {
				t.Errorf("%s: somebody else answers: %q", addr, r.Body)
			}
			return
		}
		if s.ended() {
			if s.exitedWith() == 4 {
				s.expect(4)
				skip(t, "port-in-use", line)
			}
			t.Fatalf("line %d: %s: exit code %d\n%s", number, text, s.exitedWith(), s.stderrText())
		}
		if time.Now().After(deadline) {
			t.Fatalf("line %d: %s: does not answer at %s\n%s", number, text, addr, s.stderrText())
		}
	}
}
