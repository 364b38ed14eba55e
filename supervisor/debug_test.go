package supervisor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// lender is a terminal that is always free, and the app that borrows it for each request of /debug, until end is received from.
type lender struct {
	lent, back chan Borrower
	end        chan struct{}
	number     uint32
	start      chan struct{} // nil: debuggers open at once
	never      chan struct{} // what the first request of /later waits for
}

func (l *lender) Lend(b Borrower, answer func(string, error)) func() {
	l.lent <- b
	answer("/dev/tty", nil)
	return func() { l.back <- b }
}

func (l *lender) handle(r *shimtest.Request, p *shimtest.Peer) {
	switch r.Vars["PATH_INFO"] {
	case "/later":
		if len(l.lent) == 0 { // it is behind another one
			<-l.never
			return
		}
	case "/debug":
		if l.start != nil {
			<-l.start
		}
		l.number++
		number := l.number
		_ = p.Control(wire.Frame{Kind: wire.KindDebug, Stream: number, Payload: []byte{0x80}})
		<-l.end
		_ = p.Control(wire.Frame{Kind: wire.KindDebugEnd, Stream: number})
	}
	_ = p.Answer(r.Stream, "200 OK", "hello")
}

func inDebugger(t *testing.T, o Options, run func(t *testing.T, p *Pool, f *fakes, l *lender, e *events)) {
	t.Helper()
	l := &lender{}
	f := &fakes{handle: l.handle}
	o.Terminal, o.Boot.Debug = l, true
	bubble(t, f, o, func(t *testing.T, p *Pool, e *events) {
		l.lent, l.back, l.end = make(chan Borrower, 100), make(chan Borrower, 100), make(chan struct{})
		up(t, p)
		time.Sleep(time.Second)
		run(t, p, f, l, e)
	})
}

// asking sends a request in the background.
func asking(t *testing.T, p *Pool, target string) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() { _, err := ask(context.Background(), p, target); done <- err }()
	synctest.Wait()
	return done
}

// A worker in a debugger takes no request, although it has threads left; the other one does. It takes requests again afterwards.
func TestDebuggerTakesNoRequests(t *testing.T) {
	inDebugger(t, Options{Workers: 2, Threads: 4}, func(t *testing.T, p *Pool, _ *fakes, l *lender, _ *events) {
		done := asking(t, p, "/debug")
		b := <-l.lent
		if b.Pid == 0 || b.Worker == "" {
			t.Errorf("lent to %+v", b)
		}
		for range 8 {
			x, err := p.Acquire(t.Context(), shim.Label{})
			if err != nil {
				t.Fatal(err)
			}
			if x.Worker() == b.Worker {
				t.Fatal("a request went to the worker in the debugger")
			}
			x.Close(0)
		}
		if s := p.Stats(); s.Ready != 2 {
			t.Errorf("%d are ready", s.Ready)
		}
		l.end <- struct{}{}
		if err := <-done; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if len(l.back) != 1 {
			t.Error("the terminal was not given back")
		}
		seen := map[string]bool{}
		var open []*shim.Exchange
		for range 8 {
			x, err := p.Acquire(t.Context(), shim.Label{})
			if err != nil {
				t.Fatal(err)
			}
			seen[x.Worker()] = true
			open = append(open, x)
		}
		for _, x := range open {
			x.Close(0)
		}
		if !seen[b.Worker] {
			t.Error("it takes no request after the debugger")
		}
	})
}

// While the only worker is in a debugger requests wait, longer than queue_timeout too.
func TestRequestsWaitForTheDebugger(t *testing.T) {
	inDebugger(t, Options{Workers: 1, QueueTimeout: time.Second}, func(t *testing.T, p *Pool, _ *fakes, l *lender, _ *events) {
		done := asking(t, p, "/debug")
		<-l.lent
		next := asking(t, p, "/")
		time.Sleep(time.Minute)
		if len(next) > 0 {
			t.Fatal(<-next)
		}
		l.end <- struct{}{}
		for _, c := range []<-chan error{done, next} {
			if err := <-c; err != nil {
				t.Error(err)
			}
		}
	})
}

// A request that was prefetched is taken back at once when a debugger opens.
func TestDebuggerRecalls(t *testing.T) {
	inDebugger(t, Options{Workers: 1, Prefetch: 4}, func(t *testing.T, p *Pool, f *fakes, l *lender, _ *events) {
		for range 20 { // short ones: then one more may be sent
			if _, err := ask(t.Context(), p, "/"); err != nil {
				t.Fatal(err)
			}
		}
		recalled := make(chan []uint32, 10)
		f.any().peer.Recall = func(streams []uint32) ([]uint32, bool) { recalled <- streams; return streams, false }
		l.start, l.never = make(chan struct{}), make(chan struct{})
		first, second := asking(t, p, "/debug"), asking(t, p, "/later")
		if n := len(p.Workers()[0].InFlight); n != 2 {
			t.Fatalf("%d requests are at the worker", n)
		}
		close(l.start) // no time has passed: the first one is not slow
		synctest.Wait()
		if len(recalled) != 1 || len(<-recalled) != 1 || !errors.Is(<-second, shim.ErrRecalled) { // the handler runs it again
			t.Error("the second request was not taken back")
		}
		l.end <- struct{}{}
		if err := <-first; err != nil {
			t.Error(err)
		}
		close(l.never)
	})
}

// A reload while a debugger is open: the new generation serves, and the old worker lives until the debugger and its request
// have ended, whatever drain_timeout says.
func TestReloadInADebugger(t *testing.T) {
	inDebugger(t, Options{Workers: 1, DrainLimit: time.Second, BootTimeout: time.Minute}, func(t *testing.T, p *Pool, _ *fakes, l *lender, e *events) {
		done := asking(t, p, "/debug")
		<-l.lent
		if err := p.Reload(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if body, err := ask(t.Context(), p, "/"); body != "hello" || err != nil {
			t.Errorf("%q %v", body, err)
		}
		if n := len(of[WorkerExit](e)); n != 0 {
			t.Fatal("the worker in the debugger has ended")
		}
		l.end <- struct{}{}
		if err := <-done; err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if x := of[WorkerExit](e); len(x) != 1 || x[0].Reason != Reload || x[0].Exit != (process.Exit{}) {
			t.Errorf("%+v", x)
		}
	})
}

// The death of the worker gives the terminal back, and another worker takes its place.
func TestDeathInADebugger(t *testing.T) {
	inDebugger(t, Options{Workers: 1}, func(t *testing.T, p *Pool, f *fakes, l *lender, _ *events) {
		done := asking(t, p, "/debug")
		b := <-l.lent
		f.pid(b.Pid).end(process.Exit{Code: -1, Signal: 9, SignalName: "SIGKILL"})
		<-l.back
		if err := <-done; err == nil {
			t.Error("an answer")
		}
		close(l.end)
		time.Sleep(time.Minute)
		if body, err := ask(t.Context(), p, "/"); body != "hello" || err != nil {
			t.Errorf("%q %v", body, err)
		}
	})
}
