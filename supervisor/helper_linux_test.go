package supervisor

import (
	"strconv"
	"strings"
	"testing"

	"github.com/standpipe/standpipe/supervisor/process"
)

// Two users: both serve, a kill is recorded with its signal, and no process is left at the end.
func TestHelperStartsAsOthers(t *testing.T) {
	other := process.Identity{UID: 23457, GID: 34570}
	before := descriptors(t)
	h := helperFor(t, stray, other)
	for _, id := range []process.Identity{stray, other} {
		p, e := real(t, "plain", Options{Workers: 1, Spawner: h, Command: func() (process.Command, error) {
			c := self(t, "plain")
			c.Dir, c.Identity = "/", &id
			return c, nil
		}})
		body, err := ask(t.Context(), p, "/proc")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strings.CutPrefix(strings.Repeat(" "+strconv.Itoa(int(id.UID)), 4), " ")
		wantLines(t, body, "Uid: "+uid, "PPid: "+strconv.Itoa(h.Pid()))

		if _, err := ask(t.Context(), p, "/kill"); err == nil {
			t.Error("a killed worker answered")
		}
		eventually(t, "a record of the death", func() bool { return len(of[WorkerExit](e)) == 1 })
		if x := of[WorkerExit](e)[0]; x.Exit.Cause() != "signal:9" || x.Exit.MaxRSS == 0 {
			t.Errorf("%+v", x)
		}
		eventually(t, "a new worker", func() bool { return p.Stats().Ready == 1 })
		if _, err := ask(t.Context(), p, "/exit"); err == nil {
			t.Error("a worker that ended answered")
		}
		eventually(t, "a second record", func() bool { return len(of[WorkerExit](e)) == 2 })
		if x := of[WorkerExit](e)[1]; x.Exit.Cause() != "exit:7" {
			t.Errorf("%+v", x)
		}
		p.Stop(t.Context(), Shutdown)
	}
	h.Close()
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

func helperFor(t *testing.T, ids ...process.Identity) *process.Helper {
	t.Helper()
	needRoot(t)
	table := process.HelperTable{}
	for _, id := range ids {
		table.Allow = append(table.Allow, process.HelperEntry{Identity: id})
	}
	h, err := process.StartHelper(table)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
