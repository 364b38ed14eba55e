package integration

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// behaviours is a server of apps/wsgi_behaviours with the two things its views share with the tests: the record file
// and the folder of gates.
type behaviours struct {
	*server
	records string
	gates   string
}

// serial makes ids that no two requests of a test run share.
var serial atomic.Int64

func newID() string { return fmt.Sprintf("n%dn", serial.Add(1)) }

// plainPython is the interpreter behind `python3` on the PATH: the WSGI tests need no framework.
var plainPython = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	return strings.TrimSpace(string(out)), err
})

// serveWSGI starts apps/<app> (module app, callable application) with one worker, or as args say.
func serveWSGI(t testing.TB, app string, args ...string) *behaviours {
	t.Helper()
	return serveBehaviours(t, opts{App: "app:application", Dir: appDir(t, app), Args: args})
}

// serveBehaviours is start with the record file and the gates in the environment, and -w 1 and a queue_timeout for the boot of the
// next worker unless Args say otherwise.
func serveBehaviours(t testing.TB, o opts) *behaviours {
	t.Helper()
	dir, err := os.MkdirTemp(built.dir, "behaviours-")
	if err != nil {
		t.Fatal(err)
	}
	b := &behaviours{records: filepath.Join(dir, "records"), gates: dir}
	o.Env = append(o.Env, "RECORD_FILE="+b.records, "GATE_DIR="+dir)
	if o.Python == "" {
		if o.Python, err = plainPython(); err != nil {
			t.Fatal(err)
		}
	}
	if !hasFlag(o.Args, "-w") && !hasFlag(o.Args, "-c") {
		o.Args = append([]string{"-w", "1"}, o.Args...)
	}
	if !hasFlag(o.Args, "--queue-timeout") && !hasFlag(o.Args, "-c") {
		o.Args = append([]string{"--queue-timeout", bootQueue}, o.Args...)
	}
	b.server = start(t, o)
	return b
}

func hasFlag(args []string, name string) bool {
	for _, a := range args {
		if a == name {
			return true
		}
	}
	return false
}

// recorded counts the record file's lines that are exactly line.
func (b *behaviours) recorded(line string) int {
	n := 0
	for _, l := range b.recordedLines() {
		if l == line {
			n++
		}
	}
	return n
}

func (b *behaviours) recordedLines() []string {
	text, err := os.ReadFile(b.records)
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// newGate names a gate that is shut.
func (b *behaviours) newGate() string { return "gate-" + newID() }

func (b *behaviours) openGate(name string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.gates, name), nil, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// settle returns when the one worker has finished all that was sent to it before: it answers in order.
func (b *behaviours) settle() {
	b.t.Helper()
	if r := b.get("/process/pid"); r.Status != 200 {
		b.t.Fatalf("/process/pid: status %d", r.Status)
	}
}

// records of an app's failure or of a refused answer that name this request's path.
func (b *behaviours) failureOf(path string) func(record) bool {
	return func(r record) bool {
		return (r.event() == "app_error" || r.event() == "bad_response") && strings.Contains(r.str("target"), path)
	}
}

// environ asks the echo view for what a request looks like to the app.
type environEcho struct {
	Builtin         bool
	Types           map[string]string
	Strings         map[string]string
	Wide            []string
	Version         []any
	Multithread     bool
	Multiprocess    bool
	RunOnce         bool `json:"run_once"`
	InputTerminated any  `json:"input_terminated"`
	Body            string
	Pid             int
}

func parseEcho(t testing.TB, body string) environEcho {
	t.Helper()
	var e environEcho
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatalf("not an echo: %v: %.300q", err, body)
	}
	return e
}

// latin1 turns bytes into what JSON makes of Python's native strings: one code point per byte.
func latin1(data string) string {
	runes := make([]rune, len(data))
	for i := range len(data) {
		runes[i] = rune(data[i])
	}
	return string(runes)
}

// wire is a client connection whose bytes the test sees.
type wire struct {
	t    testing.TB
	conn net.Conn
	br   *bufio.Reader
}

// wireAnswer is one answer as it was on the wire: fields in order and in their spelling.
type wireAnswer struct {
	Proto, Reason string
	Status        int
	Fields        [][2]string
	Body          string
}

func (a *wireAnswer) field(name string) string {
	for _, f := range a.Fields {
		if strings.EqualFold(f[0], name) {
			return f[1]
		}
	}
	return ""
}

// all are the values of a field, in order.
func (a *wireAnswer) all(name string) []string {
	var list []string
	for _, f := range a.Fields {
		if strings.EqualFold(f[0], name) {
			list = append(list, f[1])
		}
	}
	return list
}

func dialWire(t testing.TB, s *server) *wire {
	t.Helper()
	c, err := s.dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(3 * patience))
	return &wire{t: t, conn: c, br: bufio.NewReader(c)}
}

// send writes bytes. A server that refuses early may have closed: what it said counts, so the error is only noted.
func (w *wire) send(data string) {
	if _, err := io.WriteString(w.conn, data); err != nil {
		w.t.Logf("write: %v", err)
	}
}

// recv reads one final answer to a request of that method; an answer that ends too early fails the test.
func (w *wire) recv(method string) *wireAnswer {
	w.t.Helper()
	a, err := w.try(method)
	if err != nil {
		w.t.Fatalf("reading the answer: %v (so far %+v)", err, a)
	}
	return a
}

// try reads one answer. After a whole head the answer is returned even when the body is cut short by err.
func (w *wire) try(method string) (*wireAnswer, error) {
	a, err := w.head()
	if err != nil {
		return a, err
	}
	var body []byte
	switch {
	case method == "HEAD" || a.Status == 204 || a.Status == 304 || a.Status < 200:
	case strings.EqualFold(a.field("Transfer-Encoding"), "chunked"):
		body, err = io.ReadAll(httputil.NewChunkedReader(w.br))
		if err == nil { // the chunked reader leaves the empty line after the (absent) trailers
			_, err = w.line()
		}
	case a.field("Content-Length") != "":
		var n int64
		if n, err = strconv.ParseInt(a.field("Content-Length"), 10, 64); err == nil {
			body, err = io.ReadAll(io.LimitReader(w.br, n))
			if err == nil && int64(len(body)) < n {
				err = io.ErrUnexpectedEOF
			}
		}
	default:
		body, err = io.ReadAll(w.br)
	}
	a.Body = string(body)
	return a, err
}

// head reads a status line and the fields. Every line must end with CR LF (RFC 9112 2.2).
func (w *wire) head() (*wireAnswer, error) {
	a := &wireAnswer{}
	line, err := w.line()
	if err != nil {
		return a, err
	}
	proto, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(rest, " ")
	a.Proto, a.Reason = proto, reason
	if a.Status, err = strconv.Atoi(code); err != nil || !strings.HasPrefix(proto, "HTTP/1.") {
		return a, fmt.Errorf("status line %q", line)
	}
	for {
		line, err := w.line()
		if err != nil || line == "" {
			return a, err
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return a, fmt.Errorf("field line %q", line)
		}
		a.Fields = append(a.Fields, [2]string{name, strings.TrimSpace(value)})
	}
}

func (w *wire) line() (string, error) {
	line, err := w.br.ReadString('\n')
	if err != nil {
		if err == io.EOF && line != "" {
			err = io.ErrUnexpectedEOF
		}
		return line, err
	}
	if !strings.HasSuffix(line, "\r\n") {
		return line, fmt.Errorf("line %q does not end with CR LF", line)
	}
	return line[:len(line)-2], nil
}

// closed waits until the server ends the connection; bytes before the end are an error.
func (w *wire) closed() error {
	_ = w.conn.SetReadDeadline(time.Now().Add(patience))
	b, err := w.br.ReadByte()
	switch {
	case err == nil:
		rest, _ := w.br.Peek(w.br.Buffered())
		return fmt.Errorf("more bytes instead of the end: %q", append([]byte{b}, rest...))
	case err == io.EOF || strings.Contains(err.Error(), "reset by peer"):
		return nil
	}
	return fmt.Errorf("the connection stays open: %w", err)
}

// usable sends an ordinary GET on the same connection.
func (w *wire) usable() {
	w.t.Helper()
	w.send("GET /echo?after HTTP/1.1\r\nHost: a\r\n\r\n")
	if a := w.recv("GET"); a.Status != 200 || parseEcho(w.t, a.Body).Strings["QUERY_STRING"] != "after" {
		w.t.Fatalf("the next request of the connection: %+v", a)
	}
}

// exchange sends one GET for target on a fresh connection and reads its answer.
func (b *behaviours) exchange(t testing.TB, target string) (*wireAnswer, error) {
	t.Helper()
	w := dialWire(t, b.server)
	w.send("GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	return w.try("GET")
}

// ask is exchange for answers that must be whole.
func (b *behaviours) ask(t testing.TB, target string) *wireAnswer {
	t.Helper()
	a, err := b.exchange(t, target)
	if err != nil {
		t.Fatalf("GET %s: %v (so far %+v)", target, err, a)
	}
	return a
}
