package integration

import (
	"fmt"
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
