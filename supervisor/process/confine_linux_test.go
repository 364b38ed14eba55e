package process

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIP[root]: needs root")
	}
	for dir := filepath.Dir(os.Args[0]); dir != "/"; dir = filepath.Dir(dir) { // others have to run the test binary
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if dir == os.TempDir() || filepath.Dir(dir) == os.TempDir() {
			break
		}
	}
}

// wantLines Looks for lines whose fields are those of want.
// stray are numbers that no machine has an account for.
var stray = Identity{UID: 23456, GID: 34567, Groups: []uint32{34568, 34569}}

// The limits are set while we still may, and the user is changed afterwards.
func TestWhatCannotBeAppliedIsSaid(t *testing.T) {
	nice := 5
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte("no program"), 0o755); err != nil {
		t.Fatal(err)
	}
	before := descriptors(t)
	for _, c := range []struct {
		command Command
		want    string
	}{
		{Command{Dir: "/", Limits: Limits{Nice: &nice}, Args: []string{garbage}}, garbage},
		{Command{Dir: "/nowhere", Limits: Limits{Nice: &nice}, Args: []string{"/bin/true"}}, "/nowhere"},
		{Command{Dir: "/", Limits: Limits{Nofile: 1 << 40}, Args: []string{"/bin/true"}}, "limit_nofile"},
		{Command{Dir: "/", Cgroup: &Cgroup{Path: "/nowhere/leaf", PidsMax: 9}, Args: []string{"/bin/true"}}, "/nowhere/leaf"},
	} {
		_, err := Exec{}.Spawn(c.command)
		if !errors.As(err, new(*confineError)) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.command, err)
		}
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}
