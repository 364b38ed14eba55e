package debugger

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/supervisor"
)

// fakeTTY is a terminal without one: group 1 is the server's.
type fakeTTY struct {
	mu       sync.Mutex
	group    int
	refuses  error // give's error
	dirty    bool  // a debugger has left the modes changed
	halted   bool  // Ctrl-Z has stopped the one that has it
	selfStop int
	printed  string
	closed   bool
}

func (f *fakeTTY) locked(do func()) { f.mu.Lock(); defer f.mu.Unlock(); do() }

func (f *fakeTTY) path() string { return "/dev/pts/9" }
func (f *fakeTTY) foreground() (is bool) {
	f.locked(func() { is = f.group == 1 })
	return is
}
func (f *fakeTTY) give(group int) (err error) {
	f.locked(func() {
		if err = f.refuses; err == nil {
			f.group = group
		}
	})
	return err
}
func (f *fakeTTY) take() (clean bool) {
	f.locked(func() { f.group, clean = 1, !f.dirty; f.dirty = false })
	return clean
}
func (f *fakeTTY) stopped(int) (is bool) { f.locked(func() { is = f.halted }); return is }
func (f *fakeTTY) stopSelf(time.Duration) {
	f.locked(func() { f.selfStop++; f.group = 2 }) // the shell has the terminal
}
func (f *fakeTTY) resume(group int) error {
	f.locked(func() { f.group, f.halted = group, false })
	return nil
}
func (f *fakeTTY) print(text string) { f.locked(func() { f.printed += text }) }
func (f *fakeTTY) close()            { f.locked(func() { f.closed = true }) }

// outlet counts.
type outlet struct {
	mu    sync.Mutex
	count int
}

func (o *outlet) Hold()          { o.mu.Lock(); o.count = 1; o.mu.Unlock() }
func (o *outlet) Release()       { o.mu.Lock(); o.count = 0; o.mu.Unlock() }
func (o *outlet) isHeld() bool   { o.mu.Lock(); defer o.mu.Unlock(); return o.count > 0 }
func (f *fakeTTY) groupIs() int  { f.mu.Lock(); defer f.mu.Unlock(); return f.group }
func (f *fakeTTY) text() string  { f.mu.Lock(); defer f.mu.Unlock(); return f.printed }
func (f *fakeTTY) set(do func()) { f.locked(do) }

// asking is a debugger that asks.
type asking struct {
	back   func()
	answer chan error // nil: it has the terminal
}

type rig struct {
	*testing.T
	tty *fakeTTY
	out *outlet
	*Terminal
}

func lending(t *testing.T, test func(g *rig)) {
	synctest.Test(t, func(t *testing.T) {
		g := &rig{T: t, tty: &fakeTTY{group: 1}, out: &outlet{}}
		g.Terminal = start(g.tty, hclog.NewNullLogger())
		g.Holds(g.out)
		test(g)
		g.Close()
		if g.tty.groupIs() != 1 || g.out.isHeld() || !g.tty.closed {
			t.Errorf("at the end: group %d, held %t, closed %t", g.tty.group, g.out.isHeld(), g.tty.closed)
		}
	})
}

func (g *rig) ask(pid int, debugger string) *asking {
	a := &asking{answer: make(chan error, 1)}
	a.back = g.Lend(supervisor.Borrower{Who: supervisor.Who{Worker: "shop/1", Pid: pid}, Debugging: shim.Debugging{At: "a\x1bpp.py:1", Debugger: debugger}},
		func(device string, refused error) {
			if refused == nil && device != "/dev/pts/9" {
				refused = errors.New("another device: " + device)
			}
			a.answer <- refused
		})
	synctest.Wait()
	return a
}

// has fails unless the debugger has the terminal.
func (g *rig) has(a *asking, pid int) {
	g.Helper()
	synctest.Wait()
	if len(a.answer) != 1 {
		g.Fatal("it has no answer")
	}
	if err := <-a.answer; err != nil || g.tty.groupIs() != pid || !g.out.isHeld() || !g.Busy() {
		g.Fatalf("%v, group %d, held %t", err, g.tty.groupIs(), g.out.isHeld())
	}
}

func (g *rig) free() {
	g.Helper()
	synctest.Wait()
	if g.tty.groupIs() != 1 || g.out.isHeld() || g.Busy() {
		g.Fatalf("group %d, held %t, busy %t", g.tty.groupIs(), g.out.isHeld(), g.Busy())
	}
}

// One after the other; those that wait are announced, with nothing in it that a terminal obeys.
func TestOneAfterTheOther(t *testing.T) {
	lending(t, func(g *rig) {
		a := g.ask(10, "pdb")
		g.has(a, 10)
		b, c, d := g.ask(11, "pdb"), g.ask(12, "pdb"), g.ask(13, "pdb")
		time.Sleep(time.Second)
		if n := strings.Count(g.tty.text(), "waits at another breakpoint"); n != 3 || strings.Contains(g.tty.text(), "\x1b") {
			g.Errorf("%q", g.tty.text())
		}
		c.back() // its worker has died
		a.back()
		g.has(b, 11)
		b.back()
		g.has(d, 13)
		d.back()
		g.free()
		if len(c.answer) > 0 {
			g.Error("one that has left got an answer")
		}
	})
}

// A worker that dies leaves modes behind, and a debugger of the whole screen its screen.
func TestScreenIsLeft(t *testing.T) {
	for debugger, want := range map[string]bool{"pdb": false, "pudb": true} {
		lending(t, func(g *rig) {
			a := g.ask(10, debugger)
			g.has(a, 10)
			g.tty.set(func() { g.tty.dirty = true })
			a.back()
			g.free()
			if strings.Contains(g.tty.text(), "\x1b[?1049l") != want || !strings.HasSuffix(g.tty.text(), "\r\n") {
				g.Errorf("%s: %q", debugger, g.tty.text())
			}
		})
	}
}

// In the background a debugger waits; it gets the terminal when the server is in the foreground.
func TestBackground(t *testing.T) {
	lending(t, func(g *rig) {
		g.tty.set(func() { g.tty.group = 2 })
		a := g.ask(10, "pdb")
		time.Sleep(time.Hour)
		if len(a.answer) > 0 {
			g.Fatal("it has the terminal")
		}
		g.tty.set(func() { g.tty.group = 1 })
		time.Sleep(time.Second)
		g.has(a, 10)
		a.back()
	})
}

// Ctrl-Z stops the server too, whose log goes on in the background; fg gives the terminal back to the debugger.
func TestCtrlZ(t *testing.T) {
	lending(t, func(g *rig) {
		a := g.ask(10, "pdb")
		g.has(a, 10)
		g.tty.set(func() { g.tty.halted = true })
		time.Sleep(time.Minute)
		times := 0
		g.tty.set(func() { times = g.tty.selfStop })
		if times != 1 || g.tty.groupIs() != 2 || g.out.isHeld() {
			g.Fatalf("stopped %d times, group %d, held %t", times, g.tty.groupIs(), g.out.isHeld())
		}
		g.tty.set(func() { g.tty.group = 1 }) // fg
		time.Sleep(time.Second)
		if g.tty.groupIs() != 10 || !g.out.isHeld() {
			g.Fatalf("group %d, held %t", g.tty.groupIs(), g.out.isHeld())
		}
		g.tty.set(func() { g.tty.halted = true })
		time.Sleep(time.Second)
		a.back() // killed while it was stopped
		synctest.Wait()
		if g.out.isHeld() || g.tty.groupIs() != 2 {
			g.Error("the shell's terminal was taken")
		}
		g.tty.set(func() { g.tty.group = 1 })
	})
}

// A stop refuses those that wait and those that come, and leaves the one that has the terminal; Close takes it back.
func TestStop(t *testing.T) {
	lending(t, func(g *rig) {
		a := g.ask(10, "pdb")
		g.has(a, 10)
		b := g.ask(11, "pdb")
		g.Stop()
		c := g.ask(12, "pdb")
		for _, x := range []*asking{b, c} {
			if err := <-x.answer; err == nil {
				g.Error("it was not refused")
			}
			x.back()
		}
		synctest.Wait()
		if g.tty.groupIs() != 10 {
			g.Error("the terminal was taken at once")
		}
	})
}

// A group that cannot be the foreground group is an answer; the next one gets the terminal.
func TestRefused(t *testing.T) {
	lending(t, func(g *rig) {
		g.tty.set(func() { g.tty.refuses = errors.New("EPERM") })
		a := g.ask(10, "pdb")
		if err := <-a.answer; err == nil || !strings.Contains(err.Error(), "EPERM") {
			g.Fatal(err)
		}
		a.back()
		g.tty.set(func() { g.tty.refuses = nil })
		b := g.ask(11, "pdb")
		g.has(b, 11)
		b.back()
		g.free()
	})
}

func TestNil(t *testing.T) {
	var none *Terminal
	none.Holds(&outlet{})
	none.Stop()
	none.Close()
	if none.Busy() {
		t.Error("busy")
	}
}

func TestDesk(t *testing.T) {
	var d desk
	a, b, c := &loan{}, &loan{}, &loan{}
	if d.open() || d.next() != nil {
		t.Error("open")
	}
	for _, l := range []*loan{a, b, c} {
		if before := d.add(l); before != nil {
			t.Error("it has the terminal")
		}
	}
	if d.next() != a {
		t.Error("not the first")
	}
	d.lend(time.Now())
	if d.next() != nil || d.remove(b) || !d.remove(a) || !slices.Equal(d.waiting, []*loan{c}) || a.lent.IsZero() {
		t.Error("not as it should be")
	}
	d.current = nil
	if d.next() != c {
		t.Error("not the last one")
	}
}
