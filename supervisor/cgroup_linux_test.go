package supervisor

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/supervisor/process"
)

func TestRealLeaf(t *testing.T) {
	base, err := process.Delegate([]string{"memory", "pids"}, nil)
	if err != nil {
		t.Skipf("SKIP[cgroup]: %v", err)
	}
	name := fmt.Sprintf("/app-test-%d", os.Getpid())
	leaf := &process.Cgroup{Path: base + name, MemoryMax: 64 << 20, PidsMax: 50}
	t.Cleanup(leaf.Remove)
	p, e := real(t, "plain", Options{Workers: 1, SampleEvery: time.Second, Command: func() (process.Command, error) {
		c := self(t, "plain")
		c.Cgroup = leaf
		return c, nil
	}})
	body, err := ask(t.Context(), p, "/proc")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(body, name+"\n") {
		t.Errorf("not in the leaf:\n%s", body)
	}
	if _, err := ask(t.Context(), p, "/grow"); err == nil {
		t.Error("answered")
	}
	eventually(t, "a record", func() bool { return len(of[WorkerExit](e)) == 1 })
	if x := of[WorkerExit](e)[0]; x.Exit.Cause() != "oom" || len(x.InFlight) != 1 {
		t.Errorf("%+v", x)
	}
}
