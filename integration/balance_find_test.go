package integration

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/integration/testdns"
)

// Upstreams come and go without a reload: by the addresses of a name, by SRV records, and by a file.
func TestUpstreamsComeAndGo(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	number, _ := strconv.Atoi(port)
	newLabeledAt(t, "a", "127.0.0.2:"+port)
	newLabeledAt(t, "b", "127.0.0.3:"+port)
	c := newLabeled(t, "c")
	_, portOfC, _ := net.SplitHostPort(strings.TrimPrefix(c.url, "http://"))
	numberOfC, _ := strconv.Atoi(portOfC)
	addr := netip.MustParseAddr
	names := testdns.New(t, "example.test")
	names.Host("up.example.test", addr("127.0.0.2"))
	names.Host("a.example.test", addr("127.0.0.2"))
	names.Host("c.example.test", addr("127.0.0.1"))
	names.Service("_http._tcp.example.test", net.SRV{Target: "a.example.test", Port: uint16(number), Priority: 1, Weight: 1}, net.SRV{Target: "c.example.test", Port: uint16(numberOfC), Priority: 2, Weight: 1})
	route := func(path, more string) string {
		return fmt.Sprintf("[[route]]\npath = %q\nbalance = \"round_robin\"\n%s\n", path, more)
	}
	dns := fmt.Sprintf("dns_servers = [%q]\n", names.Addr)
	dir := project(t, map[string]string{"app.py": hello("of its own"), "list.txt": "http://127.0.0.2:" + port + " weight=2 # a\n"})
	write(t, dir, map[string]string{"standpipe.toml": route("/name", dns+"resolve = true\nupstreams = [\"http://up.example.test:"+port+"\"]") +
		route("/srv", dns+"upstreams = [\"srv+http://_http._tcp.example.test\"]") + route("/file", "upstreams_file = \"list.txt\"") + "[[app]]\nname = \"own\"\nmodule = \"app:app\"\nworkers = 1\n"})
	s := start(t, opts{Dir: dir, Args: []string{"-c", "standpipe.toml"}})
	is := func(path, want string) {
		t.Helper()
		eventually(t, path+" is answered by "+want, func() bool {
			var seen []string
			for range 6 {
				if got := s.want(200, path).Body; !slices.Contains(seen, got) {
					seen = append(seen, got)
				}
			}
			slices.Sort(seen)
			return strings.Join(seen, "") == want
		})
	}
	is("/name/x", "a")
	is("/srv/x", "a")
	is("/file/x", "a")
	names.Host("up.example.test", addr("127.0.0.3"), addr("127.0.0.2"))
	names.Service("_http._tcp.example.test", net.SRV{Target: "c.example.test", Port: uint16(numberOfC), Priority: 2, Weight: 1})
	write(t, dir, map[string]string{"list.txt": "http://127.0.0.3:" + port + "\nhttp://127.0.0.2:" + port + " down\n"})
	is("/name/x", "ab")
	if ln, err := net.Listen("tcp", "[::1]:0"); err == nil { // there is IPv6: AAAA counts beside A
		ln.Close()
		newLabeledAt(t, "six", "[::1]:"+port)
		names.Host("up.example.test", addr("127.0.0.3"), addr("::1"))
		is("/name/x", "bsix")
		names.Host("up.example.test", addr("127.0.0.3"), addr("127.0.0.2"))
		is("/name/x", "ab")
	}
	is("/srv/x", "c")
	is("/file/x", "b")
	st := allUpstreams(s)
	if st["/file http://127.0.0.2:"+port].State != "down" || st["/name http://127.0.0.2:"+port].Requests == 0 || len(st) != 5 {
		t.Errorf("%+v", st)
	}
	// What cannot be read, or looked up, changes nothing.
	write(t, dir, map[string]string{"list.txt": "gopher://x\n"})
	names.Service("_http._tcp.example.test")
	if r := s.waitEvent("upstreams_file_failed"); r.str("path") != filepath.Join(dir, "list.txt") || r.str("route") != "/file" {
		t.Errorf("%v", r)
	}
	if r := s.waitEvent("upstream_unresolved"); r.str("route") != "/srv" || r.str("error") == "" {
		t.Errorf("%v", r)
	}
	s.waitEvent("upstreams_changed")
	write(t, dir, map[string]string{"list.txt": "http://127.0.0.3:" + port + "\n"})
	s.must("reload")
	is("/file/x", "b")
	is("/srv/x", "c")
}
