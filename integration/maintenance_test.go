package integration

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// standpipe maintenance: 503 for all but the allowed clients, with the page; health checks go on; it is kept over a reload
// and an upgrade, and ends by command or by time.
func TestMaintenance(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"soon.html": "<h1>Back soon</h1>", "big.html": strings.Repeat("x", 40<<10), "files/a.txt": "a file"})
	s := accessServer(t, dir, "[[static]]\nurl = \"/files\"\ndir = \"files\"\n[[route]]\npath = \"/ping\"\nrespond = 200\nbody = \"pong\"\n")
	asked := func(status int, client string) {
		t.Helper()
		eventually(t, fmt.Sprintf("%s gets %d", client, status), func() bool { return s.get("/", from(client)).Status == status })
	}
	for _, c := range []struct {
		code int
		args []string
	}{
		{2, []string{"maintenance"}}, {2, []string{"maintenance", "maybe"}}, {2, []string{"maintenance", "on", "--for", "soon"}}, {2, []string{"maintenance", "on", "--page", filepath.Join(dir, "none.html")}},
		{2, []string{"maintenance", "on", "--page", filepath.Join(dir, "big.html")}}, {2, []string{"maintenance", "off", "--for", "1h"}}, {2, []string{"maintenance", "on", "--allow", "nonsense"}},
		{1, []string{"maintenance", "off"}}, {2, []string{"maintenance", "on", "--app", "none"}},
	} {
		if r := s.order(c.args...); r.code != c.code {
			t.Errorf("%q: exit %d, want %d: %s", c.args, r.code, c.code, r.errout)
		}
	}
	s.want(200, "/", from("203.0.113.7"))
	s.must("maintenance", "on", "--allow", "10.0.0.0/8,2001:db8::/32", "--page", filepath.Join(dir, "soon.html"), "--retry-after", "600")
	if r := s.waitEvent("maintenance_on"); r.str("allow") != "[10.0.0.0/8 2001:db8::/32]" || r.str("app") != "" {
		t.Errorf("record %v", r)
	}
	for _, path := range []string{"/", "/files/a.txt", "/ping", "/none"} {
		r := s.want(503, path, from("203.0.113.7"))
		if r.Body != "<h1>Back soon</h1>" || r.Header.Get("Retry-After") != "600" || r.Header.Get("Content-Type") != "text/html; charset=utf-8" || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %q %v", path, r.Body, r.Header)
		}
	}
	if r := s.post("/", "text/plain", "a body", from("203.0.113.7")); r.Status != 503 {
		t.Errorf("POST: %d", r.Status)
	}
	s.want(200, "/", from("10.1.2.3"))
	s.want(200, "/files/a.txt", from("2001:db8::7"))
	for _, path := range []string{"/readyz", "/livez", "/readyz/a"} {
		s.want(200, path)
	}
	var list struct {
		Maintenance []struct {
			App          string
			Allow        []string
			Since, Until time.Time
		}
	}
	if err := json.Unmarshal([]byte(s.must("maintenance", "status", "--json")), &list); err != nil || len(list.Maintenance) != 1 || len(list.Maintenance[0].Allow) != 2 {
		t.Errorf("%+v %v", list, err)
	}
	if text := s.must("status"); !strings.Contains(text, "10.0.0.0/8") {
		t.Errorf("status: %s", text)
	}
	s.must("reload")
	asked(503, "203.0.113.7")
	s.usr2()
	s.upgraded()
	s.oldEnded(endPatience)
	asked(503, "203.0.113.7")
	s.want(200, "/", from("10.1.2.3"))
	if r := s.waitEvent("maintenance_kept"); r.str("level") != "warn" || r.str("allow") != "[10.0.0.0/8 2001:db8::/32]" {
		t.Errorf("record %v", r)
	}
	eventually(t, "the new process has a control socket", func() bool { return len(s.events("control_socket")) == 2 })
	order := func(args ...string) {
		t.Helper()
		if r := run(t, dir, nil, append(args, "--control", s.events("control_socket")[1].str("path"))...); r.code != 0 {
			t.Fatalf("%q: %s", args, r.errout)
		}
	}
	order("maintenance", "off")
	asked(200, "203.0.113.7")
	// Of one app alone: routes and folders of the server are served.
	order("maintenance", "on", "--app", "a", "--for", "1s")
	s.want(200, "/ping", from("203.0.113.7"))
	s.want(200, "/files/a.txt", from("203.0.113.7"))
	if r := s.get("/", from("203.0.113.7")); r.Status == 503 && r.Header.Get("Retry-After") != "1" { // it may be over
		t.Errorf("%v", r.Header)
	}
	asked(200, "203.0.113.7")
	eventually(t, "the end is said", func() bool {
		list := s.events("maintenance_off")
		return len(list) == 2 && list[0].str("reason") == "command" && list[1].str("reason") == "time" && list[1].str("app") == "a"
	})
}
