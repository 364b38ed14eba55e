package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// jsonLines parses each line; one that is no JSON fails the test.
func jsonLines(t *testing.T, lines []string) (list []record) {
	t.Helper()
	for _, line := range lines {
		r := parseRecord(line)
		if r == nil {
			t.Fatalf("no JSON: %s", line)
		}
		list = append(list, r)
	}
	return list
}

// With log_format = json both logs have one schema; access_log_format wins for its own.
func TestFault_A7_OneSchemaForBothLogs(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("a")})
	for _, c := range []struct {
		name, format, access string
		errorJSON, json      bool
	}{
		{"json", "json", "", true, true},
		{"json and combined", "json", "combined", true, false},
		{"auto", "auto", "", true, false},
		{"auto and json", "auto", "json", true, true},
		{"text", "text", "", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			access, errors := filepath.Join(t.TempDir(), "access.log"), filepath.Join(t.TempDir(), "error.log")
			args := []string{"--app", "name=app,module=app", "-w", "1", "-b", "unix:" + filepath.Join(t.TempDir(), "s"), "--access-log", access, "--error-log", errors, "--log-format", c.format, "--log-level", "debug"}
			if c.access != "" {
				args = append(args, "--access-log-format", c.access)
			}
			s := start(t, opts{Dir: dir, Bare: true, Args: args, NoWait: true})
			read := func(name string) []string {
				b, _ := os.ReadFile(name)
				return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
			}
			within(t, bootPatience, "a ready worker", func() bool { return strings.Contains(strings.Join(read(errors), "\n"), "worker_ready") })
			s.Addr, s.URL = args[5][len("unix:"):], "http://localhost"
			s.want(200, "/page?x=1")
			eventually(t, "the access line", func() bool { return strings.Contains(read(access)[0], "/page?x=1") })
			line := read(access)[0]
			if c.json {
				r := jsonLines(t, []string{line})[0]
				if r.str("level") != "info" || r.str("event") != "request" || r.str("message") != "GET /page?x=1 200" || r.str("time") == "" || r.str("app") != "app" || r.str("worker") != "app/1" {
					t.Errorf("%v", r)
				}
			} else if !strings.Contains(line, `"GET /page?x=1 HTTP/1.1" 200 1 "-"`) {
				t.Errorf("not combined: %s", line)
			}
			s.stop()
			if !c.errorJSON {
				if lines := read(errors); strings.HasPrefix(lines[0], "{") || !strings.Contains(lines[0], "] ") {
					t.Errorf("not text: %s", lines[0])
				}
				return
			}
			for _, r := range jsonLines(t, read(errors)) {
				if _, ok := r["message"].(string); !ok || r.str("time") == "" || r.str("level") == "" || r.str("event") == "" {
					t.Errorf("%v", r)
				}
			}
		})
	}
}

// What one request writes to the logs has a bound, in each form, and holds no raw bytes.
func TestFault_C9_OneRequestWritesLittle(t *testing.T) {
	t.Parallel()
	app := `
def app(environ, start_response):
    if environ["PATH_INFO"].startswith("/short"):
        start_response("200 OK", [("Content-Length", "9")])
        return [b"x"]
    raise KeyError(environ["PATH_INFO"] + environ["HTTP_USER_AGENT"])
`
	dir := project(t, map[string]string{"app.py": app})
	bytesOf := strings.Repeat("\xe9\x80\xff", 6000)
	for _, format := range []string{"json", "text"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			access, errors := filepath.Join(t.TempDir(), "access.log"), filepath.Join(t.TempDir(), "error.log")
			args := []string{"-w", "1", "--access-log", access, "--error-log", errors, "--log-format", format, "--queue-timeout", bootQueue, "--mount", "app=/app"}
			socket := filepath.Join(t.TempDir(), "s")
			s := start(t, opts{Dir: dir, Bare: true, NoWait: true, Args: append([]string{"--app", "name=app,module=app,mount=/app", "-b", "unix:" + socket}, args[:len(args)-2]...)})
			within(t, bootPatience, "an answer", func() bool {
				s.Addr = socket
				c, err := s.dial()
				if err == nil {
					c.Close()
				}
				return err == nil
			})
			for i, target := range []string{"/app/", "/app/short/", "/nowhere/"} {
				fill := strings.Repeat("%e9", 9000)
				s.raw(fmt.Sprintf("GET %s%s HTTP/1.1\r\nHost: h\r\nUser-Agent: %s\r\nReferer: %s\r\nX-Request-ID: r%d\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n",
					target, fill, strings.Repeat("\"", 9000), bytesOf, i))
			}
			lines := func(name string) []string {
				b, _ := os.ReadFile(name)
				return strings.Split(string(b), "\n")
			}
			eventually(t, "three access lines", func() bool { return len(lines(access)) >= 4 })
			within(t, bootPatience, "the records", func() bool {
				text := strings.Join(lines(errors), "\n")
				return strings.Contains(text, "app_error") && strings.Contains(text, "content_length_mismatch") && strings.Contains(text, "no_route")
			})
			for _, name := range []string{access, errors} {
				b, _ := os.ReadFile(name)
				if !utf8.Valid(b) || strings.ContainsAny(string(b), "\x1b\x7f") {
					t.Errorf("%s: raw bytes", name)
				}
				for i, line := range lines(name) {
					limit := 8 << 10
					if strings.Contains(line, "KeyError") {
						limit = 24 << 10
					}
					if len(line) > limit {
						t.Errorf("%s: line %d has %d bytes: %.300s", filepath.Base(name), i, len(line), line)
					}
					if format == "json" && line != "" && json.Unmarshal([]byte(line), new(map[string]any)) != nil {
						t.Errorf("no JSON: %.300s", line)
					}
				}
			}
		})
	}
}
