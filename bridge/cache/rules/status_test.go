package rules

import "testing"

// TestStatus is RFC 9211 2.
func TestStatus(t *testing.T) {
	for want, r := range map[string]Report{
		`standpipe`:                                         {},
		`standpipe; hit; ttl=30`:                            {Hit: true, TTL: 30999e6},
		`standpipe; hit; ttl=0`:                             {Hit: true},
		`standpipe; hit; ttl=-1`:                            {Hit: true, TTL: -1},
		`standpipe; fwd=uri-miss; stored`:                   {Fwd: "uri-miss", Stored: true},
		`standpipe; fwd=stale; fwd-status=304; ttl=60`:      {Hit: true, Fwd: "stale", FwdStatus: 304, TTL: 60e9},
		`standpipe; fwd=miss; collapsed; detail=set-cookie`: {Fwd: "miss", Collapsed: true, Detail: "set-cookie"},
		`standpipe; fwd=bypass; detail="a \"b\" \\ ?"`:      {Fwd: "bypass", Detail: "a \"b\" \\ \x01"},
	} {
		if got := Status(r); got != want {
			t.Errorf("%s, not %s", got, want)
		}
		if p := (structured{s: want}); !p.list(func(*value) {}) {
			t.Errorf("%s is no structured field", want)
		}
	}
}
