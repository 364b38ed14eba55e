package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/monitor"
)

// pty is a terminal without a program that shows it.
type pty struct {
	slave *os.File
	mu    sync.Mutex
	text  strings.Builder
}

func newPty(t *testing.T) *pty {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	p := &pty{}
	if p.slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			if err != nil {
				return
			}
			p.mu.Lock()
			p.text.Write(buf[:n])
			p.mu.Unlock()
		}
	}()
	t.Cleanup(func() { p.slave.Close(); <-done; master.Close() }) // the end of the slave is that of the reader
	return p
}

func (p *pty) shown() string { p.mu.Lock(); defer p.mu.Unlock(); return p.text.String() }

func (p *pty) modes(t *testing.T) unix.Termios {
	t.Helper()
	m, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *m
}

// fake is a server whose watch is up to the test.
type fake struct {
	watch func(ctx context.Context, each func(*admin.Top)) error
}

func (f *fake) Watch(ctx context.Context, _ time.Duration, each func(*admin.Top)) error {
	return f.watch(ctx, each)
}
func (*fake) History(context.Context) (*monitor.History, error)   { return nil, io.EOF }
func (*fake) Dump(context.Context, string) (string, error)        { return "", nil }
func (*fake) Do(_ context.Context, _ string, _ admin.Order) error { return nil }

// However Run ends, the terminal has its modes and its screen again, and no goroutine is left.
func TestRunRestoresTheTerminal(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	for name, c := range map[string]struct {
		watch  func(ctx context.Context, each func(*admin.Top)) error
		panics bool
	}{
		"a panic beside": {func(context.Context, func(*admin.Top)) error { panic("boom") }, true},
		// The model does not expect a state without figures: View panics.
		"a panic in the loop": {func(ctx context.Context, each func(*admin.Top)) error { each(nil); <-ctx.Done(); return nil }, true},
		"the end of the context": {func(ctx context.Context, each func(*admin.Top)) error {
			each(&admin.Top{Status: admin.Status{Version: "9.9"}})
			cancel()
			<-ctx.Done()
			return ctx.Err()
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPty(t)
			before := p.modes(t)
			during := before
			value := func() (v any) {
				defer func() { v = recover() }()
				at := ctx
				if c.panics {
					at = context.Background()
				}
				watch := func(ctx context.Context, each func(*admin.Top)) error { during = p.modes(t); return c.watch(ctx, each) }
				if err := Run(at, Options{Server: &fake{watch}, Name: "x", Every: time.Second, In: p.slave, Out: p.slave}); err != nil {
					t.Error(err)
				}
				return nil
			}()
			if (value != nil) != c.panics {
				t.Errorf("it panics with %v", value)
			}
			if during.Lflag&unix.ICANON != 0 || p.modes(t) != before {
				t.Errorf("the modes %+v, during %+v, before %+v", p.modes(t), during, before)
			}
			deadline := time.Now().Add(time.Minute)
			for !strings.HasSuffix(p.shown(), "\x1b[?25h\x1b[?1049l") {
				if time.Now().After(deadline) {
					t.Fatalf("%q", p.shown())
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
}

func TestLook(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want Look
		dumb bool
	}{
		{map[string]string{"TERM": "xterm-256color", "LANG": "de_DE.UTF-8"}, Look{false, true}, false},
		{map[string]string{"TERM": "xterm", "LANG": "C.utf8", "NO_COLOR": "1"}, Look{false, false}, false},
		{map[string]string{"TERM": "xterm", "LC_ALL": "C", "LANG": "C.UTF-8"}, Look{true, true}, false},
		{map[string]string{"TERM": "linux", "LANG": "C.UTF-8"}, Look{true, true}, false},
		{map[string]string{"TERM": "vt100"}, Look{true, false}, false},
		{map[string]string{"TERM": "dumb"}, Look{true, true}, true}, {nil, Look{true, true}, true},
	} {
		getenv := func(name string) string { return c.env[name] }
		if got := LookOf(getenv); got != c.want || Dumb(getenv) != c.dumb {
			t.Errorf("%v: %+v", c.env, got)
		}
	}
}

// An error of the server is its first sentence, with the tracebacks.
func TestExplain(t *testing.T) {
	text, more := explain(&admin.Problem{Detail: "d", Failures: []admin.Failure{{Sentence: "a.py:1: no", Traceback: "Traceback\n"}}})
	if text != "a.py:1: no" || more != "a.py:1: no\nTraceback\n\n" {
		t.Errorf("%q %q", text, more)
	}
	if text, more := explain(errors.New("gone")); text != "gone" || more != "" {
		t.Errorf("%q %q", text, more)
	}
}
