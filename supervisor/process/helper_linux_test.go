package process

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

func helperFor(t *testing.T, ids ...Identity) *Helper {
	t.Helper()
	needRoot(t)
	table := HelperTable{}
	for _, id := range ids {
		table.Allow = append(table.Allow, HelperEntry{Identity: id})
	}
	h, err := StartHelper(table)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// When its socket ends, as it does when the serving process is killed, the helper
// ends all its processes.
func TestHelperEndsWithItsSocket(t *testing.T) {
	h := helperFor(t, stray)
	c := Command{Args: []string{os.Args[0]}, Env: append(os.Environ(), stubbornVar+"=1"), Dir: "/", Identity: &stray}
	child, err := h.Spawn(c)
	if err != nil {
		t.Fatal(err)
	}
	pid := child.Pid()
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatal(err)
	}
	h.Close() // waits for the helper, which waits for its children
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Errorf("process %d: %v", pid, err)
	}
	child.Wait()
	if _, err := h.Spawn(c); err != errNoHelper {
		t.Errorf("%v", err)
	}
	child.Release()
	child.Output.Close()
	child.Stacks.Close()
	child.Ends.R.Close()
	child.Ends.W.Close()
}

// A helper that was killed: the workers it has left are not left.
func TestKilledHelper(t *testing.T) {
	h := helperFor(t, stray)
	defer h.Close()
	c := Command{Args: []string{"/bin/sh", "-c", "exec sleep 1000"}, Dir: "/", Identity: &stray}
	child, err := h.Spawn(c)
	if err != nil {
		t.Fatal(err)
	}
	// What the shim does with its life pipe, done for sleep: nothing. So it is ended here.
	pid := child.Pid()
	if err := syscall.Kill(h.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-h.done
	if _, err := h.Spawn(c); err != errNoHelper {
		t.Errorf("%v", err)
	}
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	if e := child.Wait(); e.Cause() != "unknown" {
		t.Errorf("%+v", e)
	}
	eventually(t, "the process is gone", func() bool {
		_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // ours, where a template of another test has made us a subreaper
		return processGone(pid)                              // PID 1 of this container may reap no process
	})
}

func TestHelperRefuses(t *testing.T) {
	allowed := Identity{UID: 1, GID: 1, Groups: []uint32{1, 2}}
	table := HelperTable{Allow: []HelperEntry{{allowed, []string{"/usr/bin/python3"}}, {Identity{UID: 2, GID: 2}, nil}}, Cgroups: []string{"/leaf"}}
	order := func(id *Identity, path string, leaf *Cgroup) *startOrder {
		return &startOrder{Identity: id, Path: path, Cgroup: leaf}
	}
	for _, c := range []struct {
		o    *startOrder
		want string
	}{
		{order(&allowed, "/usr/bin/python3", nil), ""},
		{order(&Identity{UID: 2, GID: 2}, "/anything", &Cgroup{Path: "/leaf"}), ""},
		{order(nil, "/usr/bin/python3", nil), "user"},
		{order(&Identity{}, "/usr/bin/python3", nil), "user 0"},
		{order(&Identity{UID: 3, GID: 1}, "/usr/bin/python3", nil), "user 3"},
		{order(&Identity{UID: 1, GID: 0, Groups: allowed.Groups}, "/usr/bin/python3", nil), "group 0"},
		{order(&Identity{UID: 1, GID: 1, Groups: []uint32{0}}, "/usr/bin/python3", nil), "user 1"},
		{order(&Identity{UID: 1, GID: 1}, "/usr/bin/python3", nil), "user 1"},
		{order(&allowed, "/bin/sh", nil), "/bin/sh"},
		{order(&Identity{UID: 2, GID: 2}, "sh", nil), "sh"},
		{order(&allowed, "/usr/bin/python3", &Cgroup{Path: "/"}), "/"},
	} {
		err := table.permits(c.o)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v as %+v: %v", c.o.Path, c.o.Identity, err)
		}
	}
}

// Over the real socket: no foreign user, no signal to a stranger, no file of others.
func TestHelperObeysItsTableAlone(t *testing.T) {
	h := helperFor(t, stray)
	defer h.Close()
	root := Identity{}
	if _, err := h.Spawn(Command{Args: []string{"/bin/true"}, Dir: "/", Identity: &root}); err == nil || !strings.Contains(err.Error(), "user 0") {
		t.Errorf("%v", err)
	}
	if _, err := h.order(helperOrder{Signal: &helperSignal{Child: 999, Order: Kill}}, nil); err != nil {
		t.Errorf("%v", err)
	}
	mine := filepath.Join(t.TempDir(), "mine")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(mine)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := h.Give(f, root); err == nil {
		t.Error("given to a user that is not in the table")
	}
	if err := h.Give(f, stray); err != nil {
		t.Errorf("%v", err)
	}
	if st, _ := f.Stat(); st.Sys().(*syscall.Stat_t).Uid != stray.UID || st.Sys().(*syscall.Stat_t).Gid != stray.GID {
		t.Errorf("%+v", st.Sys())
	}
	if err := h.Give(f, stray); err == nil {
		t.Error("the file of another user was given away")
	}
	if err := os.Chown(mine, 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(mine, mine+"2"); err != nil {
		t.Fatal(err)
	}
	if err := h.Give(f, stray); err == nil {
		t.Error("a file with two names was given away")
	}
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := h.Give(dir, stray); err == nil {
		t.Error("a folder was given away")
	}
}

// Bytes that are not UTF-8 reach the process as they are.
func TestOrderKeepsOctets(t *testing.T) {
	o := startOrder{Path: "/a\xff", Args: []string{"\xe9"}, Env: []string{"A=\x80\xff"}, Dir: "/\xfe", Identity: &stray, Limits: Limits{AS: 1}, Cgroup: &Cgroup{Path: "/x"}}
	text, err := json.Marshal(helperOrder{ID: 7, Start: &o})
	if err != nil {
		t.Fatal(err)
	}
	var got helperOrder
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*got.Start, o) {
		t.Errorf("%#v", *got.Start)
	}
}

// Whatever comes over the socket: no panic, no memory by a claimed length, no file kept.
func FuzzHelperOrder(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, '{', '}'})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, '{'})
	f.Add([]byte{0, 0, 0, 9, '{', '"', 'I', 'D', '"', ':', '-', '1', '}'})
	good, _ := json.Marshal(helperOrder{ID: 1, Start: &startOrder{Path: "/bin/true", Args: []string{"true"}, Identity: &Identity{}}})
	f.Add(append(binary.BigEndian.AppendUint32(nil, uint32(len(good))), good...))
	f.Fuzz(func(t *testing.T, data []byte) {
		ours, theirs, err := socketPair()
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = ours.Write(data); ours.Close() }()
		conn, err := newHelperConn(theirs)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.c.Close()
		table := HelperTable{}
		for {
			var o helperOrder
			files, err := conn.receive(&o)
			closeAll(files)
			if err != nil {
				return
			}
			if o.Start != nil && table.permits(o.Start) == nil {
				t.Errorf("an empty table permits %+v", o.Start)
			}
		}
	})
}
