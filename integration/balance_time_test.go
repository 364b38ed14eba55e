package integration

import (
	"fmt"
	"strings"
	"testing"
)

// Each ejection of an upstream that fails again is longer than the one before by eject_time, and no client gets a failure.
func TestEjectionsGrow(t *testing.T) {
	t.Parallel()
	a, b, bad := newLabeled(t, "a"), newLabeled(t, "b"), newLabeled(t, "bad")
	bad.status.Store(503)
	s := alone(t, "[[route]]\nbalance = \"round_robin\"\nmax_fails = 1\neject_time = \"200ms\"\nretry_on = [503]\nretry_budget = 1.0\n"+tables(a, b, bad))
	eventually(t, "it is ejected three times", func() bool {
		if got := s.want(200, "/x").Body; got != "a" && got != "b" {
			t.Fatal(got)
		}
		return len(s.events("upstream_ejected")) >= 3
	})
	for i, e := range s.events("upstream_ejected")[:3] {
		n := i + 1
		if e.str("upstream") != bad.url || fmt.Sprint(e["ejections"]) != fmt.Sprint(n) || fmt.Sprintf("%.1f", e["for"]) != fmt.Sprintf("%.1f", 0.2*float64(n)) {
			t.Errorf("%d: %v", n, e)
		}
	}
}

// Two servers with one sticky_secret know each other's cookies; one with another secret does not.
func TestStickyOfTwoServers(t *testing.T) {
	t.Parallel()
	a, b, c := newLabeled(t, "a"), newLabeled(t, "b"), newLabeled(t, "c")
	with := func(secret string) *server {
		return alone(t, fmt.Sprintf("[[route]]\nbalance = \"sticky\"\nsticky_cookie = \"at\"\nsticky_secret = %q\n", secret)+tables(a, b, c))
	}
	one, two, other := with("0123456789abcdef"), with("0123456789abcdef"), with("fedcba9876543210")
	for range 10 {
		first := one.want(200, "/x")
		cookie, _, _ := strings.Cut(first.Header.Get("Set-Cookie"), ";")
		if !strings.HasPrefix(cookie, "at=") {
			t.Fatalf("%v", first.Header)
		}
		if again := two.want(200, "/x", "Cookie: "+cookie); again.Body != first.Body || again.Header["Set-Cookie"] != nil {
			t.Errorf("%s, then %s %v", first.Body, again.Body, again.Header)
		}
		if again := other.want(200, "/x", "Cookie: "+cookie); !strings.HasPrefix(again.Header.Get("Set-Cookie"), "at=") {
			t.Errorf("a cookie of another secret counts: %v", again.Header)
		}
	}
}

// With scanners = "ban" the third request of a scanner within a minute denies the client for scanner_ban_for, and no other client.
func TestScannerBan(t *testing.T) {
	t.Parallel()
	s := limited(t, "scanners = \"ban\"\nscanner_ban_for = \"1s\"\n")
	scanner, other := of("192.0.2.1"), of("192.0.2.2")
	for i := range 2 {
		if got := s.get("/.env", scanner).Status; got != 404 {
			t.Errorf("%d: %d", i, got)
		}
		s.want(200, "/pid", scanner)
	}
	s.get("/wp-login.php", scanner)
	e := s.waitEvent("offender_denied")
	if e.str("client") != "192.0.2.1" || fmt.Sprint(e["for"]) != "1" {
		t.Errorf("%v", e)
	}
	s.want(200, "/pid", other)
	eventually(t, "the scanner may come again", func() bool { return s.get("/pid", scanner).Status == 200 })
	if list := s.must("deny", "list"); strings.Contains(list, "192.0.2.1") {
		t.Error(list)
	}
}
