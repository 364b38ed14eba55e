package upgrade

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestProgram(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"v1", "v2"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("v2", filepath.Join(dir, "current")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	for _, c := range []struct{ name, want string }{
		{"v1", filepath.Join(dir, "v1")},
		{"./current", filepath.Join(dir, "current")}, // the link, not what it was at the start
		{filepath.Join(dir, "v2"), filepath.Join(dir, "v2")},
		{"a title", "/fall/back"}, // systemd's ExecStart=@
		{"./gone", "/fall/back"},
	} {
		if got := Program(c.name, dir, "/fall/back"); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	good, err := json.Marshal(handshake{Parent: 1, Hear: 3, Say: 4, Out: 5, Err: 6, Listeners: []handed{{"127.0.0.1:0", 7}}, Up: []string{"shop"}})
	if err != nil {
		t.Fatal(err)
	}
	if l, err := parse(string(good)); err != nil || l.Listeners[0].FD != 7 || l.Up[0] != "shop" {
		t.Errorf("%+v %v", l, err)
	}
	for _, bad := range []string{
		"", "x", "{}", strings.Replace(string(good), `"Say":4`, `"Say":3`, 1), strings.Replace(string(good), `"fd":7`, `"fd":2`, 1),
		strings.Replace(string(good), `"fd":7`, `"fd":99999999`, 1), strings.Replace(string(good), `"Up"`, `"Down"`, 1)[:20],
		strings.Replace(string(good), `"parent"`, `"uncle"`, 1),
	} {
		if l, err := parse(bad); err == nil {
			t.Errorf("%s: %+v", bad, l)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"parent":1,"Hear":3,"Say":4,"Out":5,"Err":6,"listeners":[{"address":"unix:/x","fd":7}],"up":["shop"]}`)
	f.Add(`{"listeners":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		l, err := parse(text)
		if err != nil {
			return
		}
		seen := map[int]bool{}
		for _, fd := range []int{l.Hear, l.Say, l.Out, l.Err} {
			if fd < 3 || seen[fd] {
				t.Fatalf("%+v", l)
			}
			seen[fd] = true
		}
	})
}

// A handshake for another process is left alone.
func TestInheritOfAnother(t *testing.T) {
	t.Setenv(variable, `{"parent":1,"Hear":3,"Say":4,"Out":5,"Err":6,"listeners":[],"up":[]}`)
	if os.Getppid() == 1 {
		t.Setenv(variable, `{"parent":2,"Hear":3,"Say":4,"Out":5,"Err":6,"listeners":[],"up":[]}`)
	}
	if h, err := Inherit(); h != nil || err != nil {
		t.Errorf("%+v %v", h, err)
	}
	if os.Getenv(variable) != "" {
		t.Error("the handshake is still in the environment")
	}
	t.Setenv(variable, "x")
	if _, err := Inherit(); err == nil {
		t.Error("a handshake that cannot be read is no error")
	}
	var none *Inheritance
	none.Failed(errors.New("x"))
	if none.Up() != nil {
		t.Error("nothing was inherited")
	}
}

func TestTake(t *testing.T) {
	var files [3]*os.File
	h := &Inheritance{}
	for i, address := range []string{"127.0.0.1:0", "127.0.0.1:0", "unix:/x"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		files[i] = r
		h.left = append(h.left, handed{address, int(r.Fd())})
	}
	a, b := h.Take("127.0.0.1:0"), h.Take("127.0.0.1:0")
	if a == nil || b == nil || a.Fd() == b.Fd() || h.Take("127.0.0.1:0") != nil || h.Take("other") != nil {
		t.Error("an address has a socket twice, or not once")
	}
	if rest := h.CloseRest(); len(rest) != 1 || rest[0] != "unix:/x" || len(h.CloseRest()) != 0 {
		t.Errorf("%v", rest)
	}
}

func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	syscall.ForkLock.RLock() // a child of another test that had it open for writing would keep it from being run (ETXTBSY)
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// What a new process may do wrong; $HEAR and $SAY are its pipe ends 3 and 4.
func TestAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		limit time.Duration
		want  string // of Done's error; empty: none
		take  string // of TakeOver's
	}{
		"it ends":                    {text: "echo out; echo err >&2; exit 3", want: "exit status 3"},
		"it says why":                {text: "echo 'failed no room' >&4; exit 4", want: "no room"},
		"it hangs":                   {text: "exec sleep 1000", limit: 100 * time.Millisecond, want: "not ready"},
		"it is ready and takes over": {text: "echo ready >&4; read go <&3; echo taken >&4; read end <&3"},
		"it is ready and ends":       {text: "echo ready >&4; read go <&3; exit 5", take: "exit status 5"},
		"it talks a lot":             {text: "i=0; while [ $i -lt 100 ]; do echo noise >&4; i=$((i+1)); done; exit 6", want: "exit status 6"},
	} {
		t.Run(name, func(t *testing.T) {
			path := script(t, c.text)
			a, err := Start(Options{Program: path, Args: []string{"x"}, Env: os.Environ(), Dir: t.TempDir(), Limit: c.limit})
			if err != nil {
				t.Fatal(err)
			}
			err = <-a.Done()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if f := new(Failed); name == "it ends" && (!errors.As(err, &f) || f.Output != "out\nerr") {
				t.Errorf("the output is not told: %+v", f)
			}
			if err == nil {
				err = a.TakeOver()
				if (err == nil) != (c.take == "") || err != nil && !strings.Contains(err.Error(), c.take) {
					t.Fatalf("%v, want %q", err, c.take)
				}
				a.Finish()
			}
			<-a.exited // a process that has taken over ends when its pipe is closed
		})
	}
	if _, err := Start(Options{Program: "/nonexistent", Args: []string{"x"}}); err == nil {
		t.Error("no program, and no error")
	}
}

func TestAbort(t *testing.T) {
	a, err := Start(Options{Program: script(t, "exec sleep 1000"), Args: []string{"x"}, Env: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	a.Abort()
	a.Abort()
	if err := <-a.Done(); err != ErrAborted {
		t.Error(err)
	}
	<-a.exited
	var none *Attempt
	if none.Done() != nil {
		t.Error("no attempt has something to tell")
	}
}
