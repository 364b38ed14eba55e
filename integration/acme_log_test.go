package integration

import (
	"os"
	"strings"
	"testing"
)

// All that a server with automatic certificates writes to standard error is records of its log: those of the libraries too, here
// about a lock that a process has left behind.
func TestStandardErrorIsTheLog(t *testing.T) {
	t.Parallel()
	ca := newACME(t, nil)
	locks := ca.dir + "/certificates/locks"
	if err := os.MkdirAll(locks, 0o700); err != nil {
		t.Fatal(err)
	}
	lock := locks + "/issue_cert_shop.example.test.lock"
	if err := os.WriteFile(lock, []byte(`{"created":"2020-01-01T00:00:00Z","updated":"2020-01-01T00:00:00Z"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	o := ca.options(t, "--https", "shop.example.test", "--log-level", "debug")
	s := start(t, o)
	ca.issued(t, "shop.example.test")
	s.must("certs", "renew", "shop.example.test")
	s.stop()
	stale := false
	for _, line := range s.err.all() {
		r := parseRecord(line)
		if r == nil || r.event() == "" || r.str("time") == "" {
			t.Errorf("no record: %s", line)
		}
		stale = stale || r != nil && r.event() == "acme" && strings.Contains(r.str("message"), "is stale")
	}
	if !stale {
		t.Error("nothing was told of the old lock")
	}
}
