package cache

import "testing"

// What was stamped before trust was lost, while it was, or before it came back, does not hold.
func TestTrust(t *testing.T) {
	t.Parallel()
	var tr trust
	alone := tr.stamp()
	if !tr.holds(alone) {
		t.Error("memory without a shared tier is not trusted")
	}
	tr.set(false)
	away := tr.stamp()
	if tr.holds(alone) || tr.holds(away) {
		t.Error("trusted although changes are not heard")
	}
	tr.set(false)
	tr.set(true)
	if tr.holds(alone) || tr.holds(away) || !tr.holds(tr.stamp()) {
		t.Error("after changes are heard again")
	}
	heard := tr.stamp()
	tr.set(true)
	if tr.holds(heard) || !tr.holds(tr.stamp()) {
		t.Error("a loss and a return in one")
	}
	k, other := Key{7}, Key{8}
	n, m := tr.count(k), tr.count(other)
	tr.changed(k)
	if tr.count(k) == n || tr.count(other) != m {
		t.Error("changes")
	}
}
