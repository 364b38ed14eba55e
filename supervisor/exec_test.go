//go:build unix

package supervisor

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/supervisor/process"
)

// The test binary is its own worker when this variable is set: a real process
// that speaks the protocol.
const helperVar = "STANDPIPE_TEST_WORKER"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "__exec" {
		fmt.Fprintln(os.Stderr, process.RunConfined(os.Args[2:]))
		os.Exit(1)
	}
	if len(os.Args) > 1 && os.Args[1] == "__helper" {
		_ = process.RunHelper()
		os.Exit(0)
	}
	if mode := os.Getenv(helperVar); mode != "" {
		os.Exit(helper(mode))
	}
	os.Exit(m.Run())
}

func helper(mode string) int {
	signal.Ignore(syscall.SIGTERM)
	if strings.HasPrefix(mode, "template") {
		return templateHelper(mode)
	} else if mode == "middle" {
		return middleHelper()
	}
	control, err := net.FileConn(os.NewFile(3, "control"))
	if err != nil {
		return 9
	}
	p := shimtest.New(os.Stdin, os.Stdout, control)
	p.Nonce = append([]byte("noise before the nonce\n"), shimtest.FromEnv()...)
	p.Handle = func(r *shimtest.Request, p *shimtest.Peer) {
		switch r.Vars["PATH_INFO"] {
		case "/exit":
			os.Exit(7)
		case "/kill":
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		case "/proc":
			var all []byte
			for _, name := range []string{"status", "limits", "stat", "cgroup"} {
				text, _ := os.ReadFile("/proc/self/" + name)
				all = append(all, text...)
			}
			_ = p.Answer(r.Stream, "200 OK", string(all))
		case "/grow":
			var all [][]byte
			for range 1 << 10 { // 1 GiB at most
				all = append(all, bytes.Repeat([]byte{1}, 1<<20))
			}
			_ = p.Answer(r.Stream, "200 OK", fmt.Sprint(len(all)))
		case "/child":
			syscall.CloseOnExec(3) // as in Python
			c := exec.Command("sleep", "1000")
			_ = c.Start()
			_ = p.Answer(r.Stream, "200 OK", fmt.Sprint(c.Process.Pid))
		default:
			fmt.Fprintln(os.Stderr, "a line of output")
			_ = p.Answer(r.Stream, "200 OK", strings.Join(os.Environ(), "\n"))
		}
	}
	if mode == "stubborn" {
		p.Handle = nil
		_ = p.Run()
		select {}
	}
	if p.Run() != nil {
		return 1
	}
	return 0
}

func real(t *testing.T, mode string, o Options) (*Pool, *events) {
	t.Helper()
	t.TempDir() // those of the workers are in one folder with it, which goes when the pool has stopped: the pool makes some until then
	before := descriptors(t)
	e := &events{}
	o.App, o.Events = "shop", e.add
	if o.Command == nil {
		o.Command = func() (process.Command, error) { return self(t, mode), nil }
	}
	p := New(o)
	p.Start()
	t.Cleanup(func() {
		p.Stop(t.Context(), Shutdown)
		if n, m := len(of[TemplateStarted](e)), len(of[TemplateExit](e)); n != m {
			t.Errorf("%d templates were started, %d have ended", n, m)
		}
		for _, s := range of[TemplateStarted](e) {
			if err := syscall.Kill(s.Pid, 0); err == nil {
				t.Errorf("template %d is left", s.Pid)
			}
		}
		for _, s := range of[WorkerStarted](e) {
			if err := syscall.Kill(s.Pid, 0); err == nil {
				t.Errorf("process %d is left", s.Pid)
			}
		}
		if after := descriptors(t); after > before {
			t.Errorf("%d descriptors, %d before", after, before)
		}
	})
	up(t, p)
	return p, e
}

// self is a command that runs this test binary as a worker.
func self(t *testing.T, mode string) process.Command {
	return process.Command{Args: []string{os.Args[0]}, Env: append(os.Environ(), helperVar+"="+mode, "GORACE=atexit_sleep_ms=0"), Dir: t.TempDir()}
}

func descriptors(t *testing.T) int {
	if r, w, err := os.Pipe(); err == nil { // the first one makes the poller, which has descriptors of its own
		r.Close()
		w.Close()
	}
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("SKIP[no-proc]: no /proc here")
	}
	return len(list)
}

// eventually waits until f holds.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("still not: " + what)
		}
	}
}

func TestRealProcess(t *testing.T) {
	p, e := real(t, "plain", Options{Workers: 1})
	body, err := ask(t.Context(), p, "/")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"STANDPIPE_WORKER=0", "STANDPIPE_GENERATION=1", "STANDPIPE_NONCE="} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in the environment", want)
		}
	}
	eventually(t, "its output is told", func() bool {
		var all []string
		for _, o := range of[Output](e) {
			all = append(all, o.Text)
		}
		text := strings.Join(all, "\n")
		return strings.Contains(text, "noise before the nonce") && strings.Contains(text, "a line of output")
	})
}

func TestRealDeaths(t *testing.T) {
	for target, want := range map[string]string{"/exit": "exit:7", "/kill": "signal:9"} {
		t.Run(want, func(t *testing.T) {
			p, e := real(t, "plain", Options{Workers: 1})
			if _, err := ask(t.Context(), p, target); !errors.Is(err, shim.ErrWorkerGone) {
				t.Errorf("%v", err)
			}
			if _, err := ask(t.Context(), p, "/"); err != nil {
				t.Errorf("after its death: %v", err)
			}
			x := of[WorkerExit](e)
			if len(x) != 1 || x[0].Exit.Cause() != want || len(x[0].InFlight) != 1 || x[0].Exit.MaxRSS == 0 {
				t.Errorf("%+v", x)
			}
		})
	}
}

// What a worker has started dies with it.
func TestGroupDiesWithTheWorker(t *testing.T) {
	p, e := real(t, "plain", Options{Workers: 1})
	child, err := ask(t.Context(), p, "/child")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = ask(t.Context(), p, "/exit")
	eventually(t, "the death is told", func() bool { return len(of[WorkerExit](e)) == 1 })
	eventually(t, "the child is gone", func() bool { return !alive(child) })
}

// alive reports whether a process runs; a zombie that waits for init does not.
func alive(pid string) bool {
	f, err := os.Open("/proc/" + pid + "/status")
	if err != nil {
		return false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if strings.HasPrefix(s.Text(), "State:") {
			return !strings.Contains(s.Text(), "Z")
		}
	}
	return false
}

// A worker that leaves a process behind which does not end by SIGTERM has ended by itself all the same, and is said to have.
func TestWorkerThatLeavesAStubbornChild(t *testing.T) {
	p, e := real(t, "plain", Options{Workers: 1})
	child, err := ask(t.Context(), p, "/child")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t.Context(), p, "/exit"); err == nil {
		t.Error("answered")
	}
	eventually(t, "a record", func() bool { return len(of[WorkerExit](e)) == 1 })
	if x := of[WorkerExit](e)[0]; x.Exit.Cause() != "exit:7" || x.Reason != None || x.Err != nil || !strings.HasSuffix(x.Exit.Left, " "+child) {
		t.Errorf("%+v", x)
	}
}

func TestStubbornProcessIsKilled(t *testing.T) {
	p, e := real(t, "stubborn", Options{Workers: 1, DrainLimit: 50 * time.Millisecond, TermGrace: 50 * time.Millisecond})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	p.Stop(ctx, Shutdown)
	x := of[WorkerExit](e)
	if len(x) != 1 || x[0].Exit.Signal != 9 || !x[0].Ours || x[0].Reason != Shutdown || !x[0].Late() {
		t.Errorf("%+v", x)
	}
}
