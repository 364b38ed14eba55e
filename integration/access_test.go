package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// accessServer serves an app behind the tables of [[access]]. The client of a request is who X-Forwarded-For says.
func accessServer(t *testing.T, dir, tables string, args ...string) *server {
	t.Helper()
	write(t, dir, map[string]string{"app.py": proxiedApp, "standpipe.toml": tables + `
[[app]]
name = "a"
module = "app:app"
workers = 1
`})
	return start(t, opts{Dir: dir, Args: append([]string{"--log-format", "json"}, args...)})
}

func from(client string) string { return "X-Forwarded-For: " + client }

// rows counts networks: 1,000,000 lines of a file.
func rows(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "%d.%d.%d.%d # of the list\n", 11+i>>20, byte(i>>12), byte(i>>4), byte(i<<4))
	}
	return text.String()
}

// Lists by place, files that change while the server runs, records and counts.
func TestAccessLists(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"blocked.txt": "192.0.2.0/24\n"})
	s := accessServer(t, dir, `
[[access]]
deny_files = ["blocked.txt"]
[[access]]
path = "/admin"
except = ["/admin/health"]
allow = ["10.0.0.0/8", "2001:db8::/32"]
deny = ["10.1.0.0/16"]
[[access]]
hosts = ["*.internal.example.org"]
allow = ["10.0.0.0/8"]
`)
	s.want(200, "/", from("198.51.100.1"))
	if r := s.want(403, "/", from("192.0.2.1")); !strings.Contains(r.Body, "Request ") {
		t.Errorf("no error page: %s", r.Body)
	}
	s.want(403, "/admin/x", from("198.51.100.1"))
	s.want(403, "//admin/x", from("198.51.100.1"))
	s.want(403, "/x/../admin/x", from("198.51.100.1"))
	s.want(403, "/%61dmin", from("198.51.100.1"))
	s.want(200, "/administrator", from("198.51.100.1"))
	s.want(200, "/admin/health", from("198.51.100.1"))
	s.want(200, "/admin/x", from("10.2.0.1"))
	s.want(403, "/admin/x", from("10.1.0.1"))
	s.want(200, "/admin/x", from("2001:db8::1"))
	s.want(403, "/", from("198.51.100.1"), "Host: a.internal.example.org")
	s.want(200, "/", from("10.2.0.1"), "Host: a.internal.example.org")
	e := s.waitLog(func(r record) bool { return r.str("event") == "access_denied" && r.str("client") == "10.1.0.1" }, "a record of the refusal")
	if e.str("rule") != "deny 10.1.0.0/16" || e.str("table") != "/admin" || e.str("id") == "" || e.str("target") != "/admin/x" {
		t.Errorf("record %v", e)
	}

	write(t, dir, map[string]string{"blocked.txt": "198.51.100.1\nnot a network\n"})
	if r := s.waitEvent("access_file_failed"); !strings.Contains(r.str("error"), "blocked.txt:2: ") {
		t.Errorf("record %v", r)
	}
	s.want(403, "/", from("192.0.2.1"))
	s.want(200, "/", from("198.51.100.1"))
	if r := run(t, dir, nil, "check"); r.code != 2 || !strings.Contains(r.errout, "blocked.txt:2: ") {
		t.Errorf("check: %d %s", r.code, r.errout)
	}
	if r := s.order("reload"); r.code != 1 {
		t.Errorf("a reload with a broken file: exit %d", r.code)
	}
	write(t, dir, map[string]string{"blocked.txt": "198.51.100.1\n"})
	s.waitEvent("access_file")
	s.want(200, "/", from("192.0.2.1"))
	s.want(403, "/", from("198.51.100.1"))

	var st struct {
		Clients struct {
			Refused []struct {
				Table, Rule string
				Refused     int
			}
		}
	}
	if err := json.Unmarshal([]byte(s.must("status", "--json")), &st); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, n := range st.Clients.Refused {
		counts[n.Table+" "+n.Rule] = n.Refused
	}
	if counts["/admin deny"] != 1 || counts["/admin not in allow"] != 4 || counts["/ deny_files "+filepath.Join(dir, "blocked.txt")] != 3 {
		t.Errorf("counts %v", counts)
	}
}

// A denied peer is closed before anything is read, on the addresses that the table is for.
func TestAccessAtAccept(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": proxiedApp, "standpipe.toml": `trusted_proxies = ["none"]
metrics = "127.0.0.1:0"
[[listen]]
address = "127.0.0.1:0"
[[listen]]
address = "127.0.0.3:0"
[[access]]
listen = ["127.0.0.1:0"]
deny = ["127.0.0.2"]
[[access]]
deny = ["127.0.0.4"]
[[app]]
name = "a"
module = "app:app"
workers = 1
`})
	s := start(t, opts{Dir: dir, Bare: true, Args: []string{"--log-format", "json"}})
	s.want(200, "/")
	if _, ok := s.clientAt("127.0.0.2"); ok {
		t.Error("127.0.0.2 got an answer")
	}
	if _, ok := s.clientAt("127.0.0.5"); !ok {
		t.Error("127.0.0.5 got none")
	}
	var st struct{ Addresses []string }
	if err := json.Unmarshal([]byte(s.must("status", "--json")), &st); err != nil || len(st.Addresses) != 2 {
		t.Fatalf("%v %v", st, err)
	}
	other := s.at(strings.TrimPrefix(st.Addresses[1], "http://"))
	if _, ok := other.clientAt("127.0.0.2"); !ok {
		t.Error("127.0.0.2 got no answer from the other address")
	}
	for _, at := range []*server{s, other} {
		if _, ok := at.clientAt("127.0.0.4"); ok {
			t.Error("127.0.0.4 got an answer from " + at.Addr)
		}
	}
	if r := s.waitEvent("access_denied"); r.str("client") != "127.0.0.2" || r.str("rule") != "deny 127.0.0.2" || r.str("id") != "" {
		t.Errorf("record %v", r)
	}
}

// standpipe deny: at once, listed, kept over a reload and an upgrade, and over.
func TestDenyCommand(t *testing.T) {
	t.Parallel()
	dir := project(t, nil)
	s := accessServer(t, dir, "")
	asked := func(status int, client string) {
		t.Helper()
		eventually(t, fmt.Sprintf("%s gets %d", client, status), func() bool { return s.get("/", from(client)).Status == status })
	}
	s.want(200, "/", from("203.0.113.7"))
	s.must("deny", "203.0.113.7", "--for", "1h", "--reason", "probes")
	s.must("deny", "2001:db8:1::/64")
	s.want(403, "/", from("203.0.113.7"))
	s.want(403, "/", from("2001:db8:1::77"))
	s.want(200, "/", from("203.0.113.8"))
	for _, c := range []struct {
		code int
		args []string
	}{
		{2, []string{"deny", "203.0.113.7/24"}}, {2, []string{"deny", "nonsense"}}, {2, []string{"deny"}}, {2, []string{"deny", "192.0.2.1", "--for", "soon"}},
		{2, []string{"deny", "list", "--force"}}, {1, []string{"deny", "127.0.0.1"}}, {1, []string{"deny", "all", "--for", "1h"}}, {1, []string{"allow", "192.0.2.99"}},
	} {
		if r := s.order(c.args...); r.code != c.code {
			t.Errorf("%q: exit %d, want %d: %s", c.args, r.code, c.code, r.errout)
		}
	}
	s.must("deny", "127.0.0.0/8", "--for", "1h", "--force")
	s.want(403, "/", from("127.0.0.9"))
	s.must("allow", "127.0.0.0/8")
	s.want(200, "/", from("127.0.0.9"))

	type denied struct {
		Denied []struct {
			Network, Cause string
			Until          time.Time
			ByCommand      bool `json:"by_command"`
		}
	}
	var list denied
	if err := json.Unmarshal([]byte(s.must("deny", "list", "--json")), &list); err != nil || len(list.Denied) != 2 {
		t.Fatalf("list %+v: %v", list, err)
	}
	if e := list.Denied[1]; e.Network != "203.0.113.7/32" || e.Cause != "probes" || !e.ByCommand || time.Until(e.Until) > time.Hour || time.Until(e.Until) < 30*time.Minute {
		t.Errorf("entry %+v", e)
	}
	if text := s.must("status"); !strings.Contains(text, "203.0.113.7/32") {
		t.Errorf("status: %s", text)
	}
	if m := s.metrics("unix", s.controlSocket()); m["standpipe_denied_networks{}"] != 2 || m[`standpipe_access_refused_total{rule="standpipe deny",table=""}`] != 3 {
		t.Errorf("%v networks, %v refused", m["standpipe_denied_networks{}"], m[`standpipe_access_refused_total{rule="standpipe deny",table=""}`])
	}
	s.must("reload")
	asked(403, "203.0.113.7")
	s.usr2()
	s.upgraded()
	s.oldEnded(endPatience)
	asked(403, "203.0.113.7")
	asked(403, "2001:db8:1::77")
	eventually(t, "the new process has a control socket", func() bool { return len(s.events("control_socket")) == 2 })
	order := func(args ...string) {
		t.Helper()
		if r := run(t, dir, nil, append(args, "--control", s.events("control_socket")[1].str("path"))...); r.code != 0 {
			t.Fatalf("%q: %s", args, r.errout)
		}
	}
	order("allow", "203.0.113.7")
	asked(200, "203.0.113.7")
	order("deny", "203.0.113.7", "--for", "1s")
	asked(200, "203.0.113.7")
}

// With state_dir the list outlives a restart; a broken file is said, and does not keep the server from starting.
func TestDenyOutlivesRestart(t *testing.T) {
	t.Parallel()
	dir, state := project(t, nil), t.TempDir()
	file := filepath.Join(state, "denied.json")
	s := accessServer(t, dir, fmt.Sprintf("state_dir = %q\n", state))
	s.must("deny", "203.0.113.7", "--for", "1h")
	s.must("stop")
	s = accessServer(t, dir, "", "--state-dir", state)
	s.want(403, "/", from("203.0.113.7"))
	s.must("allow", "203.0.113.7")
	eventually(t, "the file is written while the server runs", func() bool {
		b, err := os.ReadFile(file)
		return err == nil && string(b) == "[]"
	})
	s.must("stop")
	write(t, state, map[string]string{"denied.json": "[{"})
	s = accessServer(t, dir, "", "--state-dir", state)
	s.waitEvent("deny_list_lost")
	s.want(200, "/", from("203.0.113.7"))
}

// check --explain names the tables and looks at the lists; no service is asked.
func TestAccessExplained(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": hello("x"), "standpipe.toml": `bind = "127.0.0.1:8000"
[[access]]
path = "/admin"
allow = ["10.0.0.0/8"]
forward_auth = "http://192.0.2.1:1/verify"
[[access]]
path = "/any"
allow = ["10.0.0.0/8"]
forward_auth = "http://192.0.2.1:1/verify"
satisfy = "any"
[[app]]
name = "a"
module = "app:app"
`})
	for _, c := range []struct{ target, client, want string }{
		{"/admin/x", "10.0.0.1", "wants an address of its lists and the consent of http://192.0.2.1:1/verify"}, {"/admin/x", "10.0.0.1", "app a"},
		{"/admin/x", "127.0.0.9", "access answers 403"}, {"/any", "127.0.0.9", "its lists or the consent"}, {"/any", "127.0.0.9", "app a"}, {"/", "127.0.0.9", "app a"},
	} {
		r := run(t, dir, nil, "check", "--explain", "GET http://h:8000"+c.target, "--client", c.client)
		if r.code != 0 || !strings.Contains(r.out, c.want) || c.target == "/" && strings.Contains(r.out, "wants") {
			t.Errorf("%s of %s: %d %s%s", c.target, c.client, r.code, r.out, r.errout)
		}
	}
}

// A million networks take less than 100 MB, and a request is answered with them.
func TestAccessMillionNetworks(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"blocked.txt": ""})
	s := accessServer(t, dir, "[[access]]\ndeny_files = [\"blocked.txt\"]\n")
	before := s.memory()
	write(t, dir, map[string]string{"blocked.txt": rows(1_000_000)})
	s.waitEvent("access_file")
	s.want(403, "/", from("11.10.0.16"))
	s.want(200, "/", from("203.0.113.1"))
	used := s.memory() - before
	t.Logf("%d MB more at the peak", used/1_000_000)
	if used > 100_000_000 {
		t.Errorf("1,000,000 networks took %d bytes", used)
	}
}
