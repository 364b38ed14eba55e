package integration

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// record is one JSON line of the error log. Its methods also understand the binaries before the schema of docs/logs.md,
// whose keys were @timestamp, @level and @message (the event's name, or what an app printed): a test for a fault must be
// able to fail on them.
type record map[string]any

// event is the record's name; "output" for what an app printed.
func (r record) event() string {
	if r["stream"] == "output" {
		return "output"
	}
	return r.str("event")
}

// old are the keys before the schema.
var old = map[string]string{"time": "@timestamp", "level": "@level", "event": "@message"}

// str is the value of key as text; "" if it is not there.
func (r record) str(key string) string {
	v := r[key]
	if _, isOld := r["@message"]; isOld {
		if k := old[key]; k != "" {
			v = r[k]
		} else if key == "message" && r["stream"] == "output" {
			v = r["@message"]
		}
	}
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// duration is the value of key, which is seconds; in the binaries before the schema, Go's text.
func (r record) duration(key string) time.Duration {
	if v, ok := r[key].(float64); ok {
		return time.Duration(v * float64(time.Second))
	}
	d, err := time.ParseDuration(r.str(key))
	if err != nil {
		panic(fmt.Sprintf("%s of %v: %v", key, r, err))
	}
	return d
}

// time is when the record was written.
func (r record) time(t testing.TB) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, r.str("time"))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// lines collects a stream line by line, while it runs.
type lines struct {
	mu      sync.Mutex
	list    []string
	decoded []record // of the first seen lines: those that are JSON
	seen    int
}

// records are the lines so far that are JSON. Each line is decoded once, however often a test polls.
func (l *lines) records() []record {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ; l.seen < len(l.list); l.seen++ {
		if r := parseRecord(l.list[l.seen]); r != nil {
			l.decoded = append(l.decoded, r)
		}
	}
	return l.decoded[:len(l.decoded):len(l.decoded)]
}

func (l *lines) add(s string) { l.mu.Lock(); l.list = append(l.list, s); l.mu.Unlock() }

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.list...)
}

func (l *lines) read(r io.Reader) {
	br := bufio.NewReaderSize(r, 64<<10)
	for {
		s, err := br.ReadString('\n')
		if s != "" {
			l.add(strings.TrimRight(s, "\n"))
		}
		if err != nil {
			return
		}
	}
}

// log is the error log so far: the lines of stderr that are JSON.
func (s *server) log() []record { return s.err.records() }

func parseRecord(line string) record {
	if !strings.HasPrefix(line, "{") {
		return nil
	}
	var r record
	if json.Unmarshal([]byte(line), &r) != nil {
		return nil
	}
	return r
}

// events are the records of that name so far.
func (s *server) events(name string) []record {
	var list []record
	for _, r := range s.log() {
		if r.event() == name {
			list = append(list, r)
		}
	}
	return list
}

// waitLog polls the log until a record matches.
func (s *server) waitLog(match func(record) bool, what string) record {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; pause() {
		for _, r := range s.log() {
			if match(r) {
				return r
			}
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("no log record after %v: %s; the log:\n%s", patience, what, s.stderrText())
		}
	}
}

// waitEvent is waitLog by the record's name.
func (s *server) waitEvent(name string) record {
	s.t.Helper()
	return s.waitLog(func(r record) bool { return r.event() == name }, name)
}

// output are the lines that the workers wrote, in order.
func (s *server) output() []string {
	var list []string
	for _, r := range s.log() {
		if r.str("stream") == "output" {
			list = append(list, r.str("message"))
		}
	}
	return list
}

// access are the access log's lines so far.
func (s *server) access() []string { return s.out.all() }

// waitAccess polls the access log until a line matches the expression.
func (s *server) waitAccess(expr string) string {
	s.t.Helper()
	re := regexp.MustCompile(expr)
	var found string
	eventually(s.t, "access log line "+expr, func() bool {
		for _, line := range s.access() {
			if re.MatchString(line) {
				found = line
				return true
			}
		}
		return false
	})
	return found
}

func (s *server) stderrText() string { return strings.Join(s.err.all(), "\n") }
