//go:build linux

package supervisor

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// templateHelper is a template in Go. It cannot fork, so that each order starts a
// process in the middle that starts the worker and ends: to us it is the same.
func templateHelper(mode string) int {
	p := shimtest.New(os.Stdin, os.Stdout, nil)
	p.Nonce = shimtest.FromEnv()
	if mode == "template-mute" {
		time.Sleep(time.Hour) // a select without cases ends a program without cgo
	}
	go func() { _ = p.Run() }()
	first := 0
	for {
		buf, oob := make([]byte, wire.HeaderSize+16), make([]byte, unix.CmsgSpace(6*4))
		n, oobn, _, _, err := unix.Recvmsg(3, buf, oob, unix.MSG_CMSG_CLOEXEC)
		if err != nil || n == 0 {
			return 0
		}
		messages, _ := unix.ParseSocketControlMessage(oob[:oobn])
		fds, err := unix.ParseUnixRights(&messages[0])
		if err != nil || n != len(buf) {
			return 9
		}
		files := make([]*os.File, len(fds))
		for i, fd := range fds {
			files[i] = os.NewFile(uintptr(fd), "given")
		}
		answer := wire.Frame{Kind: wire.KindForked}
		pid := os.Getppid()
		switch {
		case mode == "template-liar":
		case mode == "template-again" && first > 0:
			pid = first
		case mode == "template-hangs":
			select {}
		case mode == "template-unable":
			answer = wire.Frame{Kind: wire.KindForkFailed, Payload: []byte("\xa5EMPTY")}
		default:
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), helperVar+"=middle", "STANDPIPE_NONCE="+hex.EncodeToString(buf[wire.HeaderSize:]))
			cmd.ExtraFiles = files
			out, err := cmd.Output()
			if pid, _ = strconv.Atoi(string(out)); err != nil {
				return 9
			}
			first = pid
		}
		if answer.Kind == wire.KindForked {
			answer.Payload = binary.BigEndian.AppendUint32(nil, uint32(pid))
		}
		for _, f := range files {
			f.Close()
		}
		if _, err := unix.Write(3, wire.AppendFrame(nil, answer)); err != nil {
			return 0
		}
	}
}

func middleHelper() int {
	given := make([]*os.File, 6)
	for i := range given {
		given[i] = os.NewFile(uintptr(3+i), "given")
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperVar+"=plain")
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = given[0], given[1], given[2], given[3:]
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if cmd.Start() != nil {
		return 9
	}
	fmt.Print(cmd.Process.Pid)
	return 0
}

func TestTemplateForksWorkers(t *testing.T) {
	p, e := real(t, "template", Options{Workers: 2, Preload: true, TermGrace: 20 * time.Second})
	eventually(t, "both are ready", func() bool { return len(of[WorkerReady](e)) == 2 })
	templates := p.Templates()
	if len(templates) != 1 || !templates[0].Ready || templates[0].Forks != 2 || templates[0].Worker != "shop/template" || templates[0].PSS == 0 {
		t.Errorf("%+v", templates)
	}
	for _, w := range p.Workers() {
		if pss, cpu := process.PSS(w.Pid), process.CPU(w.Pid); pss <= 0 || cpu < 0 || cpu > time.Minute {
			t.Errorf("%s: PSS %d, CPU %v", w.Worker, pss, cpu)
		}
	}
	for target, want := range map[string]string{"/exit": "exit:7", "/kill": "signal:9"} {
		if _, err := ask(t.Context(), p, target); !errors.Is(err, shim.ErrWorkerGone) {
			t.Errorf("%s: %v", target, err)
		}
		eventually(t, "the death by "+target+" is told", func() bool {
			x := of[WorkerExit](e)
			return len(x) > 0 && x[len(x)-1].Exit.Cause() == want && x[len(x)-1].Exit.MaxRSS > 0 && len(x[len(x)-1].InFlight) == 1
		})
	}
	eventually(t, "they are replaced", func() bool { return len(of[WorkerReady](e)) == 4 })
	if n := len(of[TemplateStarted](e)); n != 1 {
		t.Errorf("%d templates", n)
	}

	// A reload makes another one, and the old one goes.
	if err := p.Reload(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the old template is gone", func() bool { return len(of[TemplateExit](e)) == 1 })
	x := of[TemplateExit](e)[0]
	if x.Reason != Reload || x.Generation != 1 || x.Forks != 4 || x.Exit.Code != 0 {
		t.Errorf("%+v", x)
	}
	if _, err := ask(t.Context(), p, "/"); err != nil {
		t.Error(err)
	}
	if now := p.Templates(); len(now) != 1 || now[0].Generation != 2 {
		t.Errorf("%+v", now)
	}
}

// A template that dies takes no worker along; the next worker gets a new one.
func TestTemplateDies(t *testing.T) {
	p, e := real(t, "template", Options{Workers: 1, Preload: true, TermGrace: 20 * time.Second})
	_ = syscall.Kill(p.Templates()[0].Pid, syscall.SIGKILL)
	eventually(t, "its end is told", func() bool { return len(of[TemplateExit](e)) == 1 })
	if x := of[TemplateExit](e)[0]; x.Exit.Cause() != "signal:9" || x.Ours || x.Reason != None {
		t.Errorf("%+v", x)
	}
	if _, err := ask(t.Context(), p, "/"); err != nil || len(of[WorkerExit](e)) != 0 {
		t.Errorf("%v; %+v", err, of[WorkerExit](e))
	}
	_, _ = ask(t.Context(), p, "/exit")
	eventually(t, "the worker is replaced", func() bool { return len(of[WorkerReady](e)) == 2 })
	if n := len(of[TemplateReady](e)); n != 2 {
		t.Errorf("%d templates", n)
	}
}

// What a template says is believed only of a new child of ours: signals would go
// to whatever process it names.
func TestTemplateLies(t *testing.T) {
	for _, mode := range []string{"template-liar", "template-again"} {
		t.Run(mode, func(t *testing.T) {
			e := &events{}
			p := New(Options{App: "shop", Workers: 2, Preload: true, BootLimit: 1, Events: e.add, Command: helperCommand(mode, t.TempDir())})
			p.Start()
			defer p.Stop(t.Context(), Shutdown)
			eventually(t, "a template is killed", func() bool { return len(of[TemplateExit](e)) > 0 })
			x := of[TemplateExit](e)[0]
			if x.Reason != ProtocolError || !x.Ours || !errors.Is(x.Err, process.ErrNoTemplate) {
				t.Errorf("%+v", x)
			}
			if mode == "template-again" { // it names the first worker, which lives on; the next template is tried at once
				eventually(t, "both are ready", func() bool { return len(of[WorkerReady](e)) == 2 })
			} else {
				eventually(t, "the boot has failed", func() bool { return len(of[BootFailure](e)) > 0 })
			}
			if n := len(of[WorkerExit](e)); n != 0 {
				t.Errorf("%d workers ended", n)
			}
		})
	}
}

func helperCommand(mode, dir string) func() (process.Command, error) {
	return func() (process.Command, error) {
		return process.Command{Args: []string{os.Args[0]}, Env: append(os.Environ(), helperVar+"="+mode, "GORACE=atexit_sleep_ms=0"), Dir: dir}, nil
	}
}

func TestTemplateFailures(t *testing.T) {
	for name, c := range map[string]struct {
		mode string
		// BootTimeout bounds the template's own boot and each order's answer. Where it is to pass it is short; a
		// template that is to come so far as to get an order needs more than a loaded machine takes to start it.
		bootTimeout time.Duration
		want        string // a name that the first failed boot holds
	}{
		"mute":   {"template-mute", 300 * time.Millisecond, "300ms"},
		"hangs":  {"template-hangs", 2 * time.Second, "template"},
		"unable": {"template-unable", 2 * time.Minute, "EMPTY"},
		"stop":   {"template-mute", 0, ""}, // stopped below while it boots
	} {
		t.Run(name, func(t *testing.T) {
			before := descriptors(t)
			e := &events{}
			p := New(Options{App: "shop", Workers: 1, Preload: true, Events: e.add, BootTimeout: c.bootTimeout, Command: helperCommand(c.mode, t.TempDir())})
			p.Start()
			if c.want != "" {
				eventually(t, "a boot has failed", func() bool { return len(of[BootFailure](e)) > 0 })
				if f := of[BootFailure](e)[0]; !strings.Contains(f.Err.Error(), c.want) {
					t.Errorf("%v", f.Err)
				}
			} else {
				eventually(t, "the template is started", func() bool { return len(of[TemplateStarted](e)) > 0 })
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			p.Stop(ctx, Shutdown)
			if ctx.Err() != nil {
				t.Error("the stop took two minutes")
			}
			if n, m := len(of[TemplateStarted](e)), len(of[TemplateExit](e)); n == 0 || n != m {
				t.Errorf("%d templates were started, %d have ended", n, m)
			}
			if after := descriptors(t); after > before {
				t.Errorf("%d descriptors, %d before", after, before)
			}
		})
	}
}
