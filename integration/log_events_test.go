package integration

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// explanation is what standpipe explain says of an event.
type explanation struct {
	Event  string
	Fields []struct{ Name, Means string }
	Do     string
}

// listed is the table of events of the binary under test; empty where it has no such command.
var listed = sync.OnceValue(func() map[string]explanation {
	out, err := exec.Command(built.binary, "explain", "--json").Output()
	var all struct{ Events []explanation }
	m := map[string]explanation{}
	if err != nil || json.Unmarshal(out, &all) != nil {
		return m
	}
	for _, e := range all.Events {
		m[e.Event] = e
	}
	return m
})

// wantListed checks that each record of the error log, and of an access log in JSON, is one of docs/logs.md: every server
// of every test ends with it.
func (s *server) wantListed() {
	s.t.Helper()
	told := map[string]bool{}
	for _, line := range append(s.err.all(), s.out.all()...) {
		r := parseRecord(line)
		if len(listed()) == 0 || r == nil || r["event"] == nil || r["level"] == nil {
			continue
		}
		e, ok := listed()[r.str("event")]
		if !ok && !told[r.str("event")] {
			told[r.str("event")] = true
			s.t.Errorf("the event is not in cmd/internal/events: %s", line)
			continue
		}
		if r.str("message") == "" {
			s.t.Errorf("a record without a message: %s", line)
		}
		for key := range r {
			known := slices.ContainsFunc(e.Fields, func(f struct{ Name, Means string }) bool { return f.Name == key && f.Means != "" })
			if id := e.Event + " " + key; ok && !known && !slices.Contains([]string{"time", "level", "event", "message"}, key) && !told[id] {
				told[id] = true
				s.t.Errorf("cmd/internal/events does not name the field %s of %s: %s", key, e.Event, line)
			}
		}
	}
}

// explain says what an event or an exit code means.
func TestFault_A7_Explain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"queue_full"}, 0, []string{"queue_full", "warn", "busy"}},
		{[]string{"3"}, 0, []string{"3"}},
		{[]string{"--json", "worker_exit"}, 0, []string{`"event": "worker_exit"`, `"name": "cause"`, `"do": "`}},
		{[]string{"--json", "2"}, 0, []string{`"code": 2`}},
		{nil, 0, []string{"queue_full ", "worker_exit ", "request ", "130 "}},
		{[]string{"queue_ful"}, 2, []string{"queue_full?"}},
		{[]string{"5"}, 2, nil},
	} {
		r := run(t, t.TempDir(), nil, append([]string{"explain"}, c.args...)...)
		if r.code != c.code {
			t.Errorf("%v: exit %d: %s", c.args, r.code, r.errout)
		}
		for _, want := range c.want {
			if !strings.Contains(r.out+r.errout, want) {
				t.Errorf("%v lacks %q: %s%s", c.args, want, r.out, r.errout)
			}
		}
	}
	if len(listed()) < 60 {
		t.Errorf("%d events", len(listed()))
	}
}
