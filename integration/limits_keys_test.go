package integration

import (
	"fmt"
	"strings"
	"testing"
)

// What a limit counts by: a field, a path, an app, several of them together. A request without the field is counted by its client.
func TestLimitKeys(t *testing.T) {
	t.Parallel()
	s := limited(t, `scanners = "deny"
scanner_status = "403"
[[limit]]
name = "field"
key = "header:X-API-Key"
rate = "1/h"
path = "/field"
[[limit]]
name = "path"
key = "path"
rate = "1/h"
path = "/path"
[[limit]]
name = "both"
key = ["client", "path"]
rate = "1/h"
path = "/both"
[[limit]]
name = "app"
key = "app"
rate = "1/h"
path = "/app"
[[route]]
path = "/app/routed"
respond = 200
`)
	one, two := of("192.0.2.1"), of("192.0.2.2")
	for _, c := range []struct {
		path    string
		headers []string
		want    int
	}{
		{"/field", []string{one, "X-API-Key: a"}, 404}, {"/field", []string{two, "X-API-Key: a"}, 429}, {"/field", []string{one, "X-API-Key: b"}, 404},
		{"/field", []string{one}, 404}, {"/field", []string{one}, 429}, {"/field", []string{two}, 404},
		{"/path/a", []string{one}, 404}, {"/path/a?x", []string{two}, 429}, {"/path/%61", []string{two}, 429}, {"/path/b", []string{two}, 404},
		{"/both/a", []string{one}, 404}, {"/both/a", []string{two}, 404}, {"/both/a", []string{one}, 429}, {"/both/b", []string{one}, 404},
		{"/app/a", []string{one}, 404}, {"/app/b", []string{two}, 429}, {"/app/routed", []string{two}, 200},
		{"/.env", []string{one}, 403},
	} {
		if got := s.get(c.path, c.headers...).Status; got != c.want {
			t.Errorf("%s %v: %d, want %d", c.path, c.headers, got, c.want)
		}
	}
	if r := s.waitLog(func(r record) bool { return r.event() == "limit_exceeded" && r.str("limit_name") == "both" }, "a record of the limit with two keys"); r.str("key") != "192.0.2.1 /both/a" {
		t.Errorf("%v", r)
	}
	m := s.scrape()
	for _, name := range []string{"field", "path", "both", "app"} {
		want := map[string]float64{"field": 2, "path": 2}[name]
		if want == 0 {
			want = 1
		}
		if got := m[fmt.Sprintf(`standpipe_limit_requests_total{limit=%q,result="refused"}`, name)]; got != want {
			t.Errorf("limit %s: %v refused, want %v", name, got, want)
		}
	}
}

// An upgrade does not give clients their bursts once more.
func TestLimitsOverAnUpgrade(t *testing.T) {
	t.Parallel()
	toml := "[[limit]]\nname = \"api\"\nrate = \"1/h\"\nburst = 1\npath = \"/api\"\n[[limit]]\nname = \"path\"\nkey = \"path\"\nrate = \"1/h\"\npath = \"/path\"\n[[route]]\nrespond = 200\n"
	s := start(t, opts{Dir: project(t, map[string]string{"standpipe.toml": toml}), Apps: -1})
	if got := fmt.Sprint(s.statuses(3, "/api", of("192.0.2.1")), s.statuses(1, "/api", of("192.0.2.2")), s.statuses(2, "/path")); got != "[200 200 429] [200] [200 429]" {
		t.Fatal(got)
	}
	write(t, s.Cmd.Dir, map[string]string{"standpipe.toml": strings.Replace(toml, "key = \"path\"", "key = [\"client\", \"path\"]", 1)}) // it counts something else
	s.usr2()
	s.upgraded()
	s.oldEnded(endPatience)
	if got := fmt.Sprint(s.statuses(1, "/api", of("192.0.2.1")), s.statuses(2, "/api", of("192.0.2.2")), s.statuses(2, "/api", of("192.0.2.3")), s.statuses(2, "/path")); got != "[429] [200 429] [200 200] [200 429]" {
		t.Error(got)
	}
	if list := s.events("limits_lost"); len(list) > 0 {
		t.Error(list)
	}
}
