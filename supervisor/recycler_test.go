package supervisor

import (
	"testing"
	"time"

	"github.com/standpipe/standpipe/shim/wire"
)

// Workers that serve as many requests as they may are replaced one at a time; the
// number of ready ones never falls.
func TestMaxRequests(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 8, MaxRequests: 10}, func(t *testing.T, p *Pool, e *events) {
		up(t, p)
		time.Sleep(time.Second)
		f.look()
		stop := least(p)
		for i := range 2000 {
			if b, err := ask(t.Context(), p, "/"); b != "hello" {
				t.Fatalf("request %d: %q %v", i, b, err)
			}
			time.Sleep(time.Millisecond)
		}
		if n := stop(); n < 8 {
			t.Errorf("only %d were ready", n)
		}
		if started, most := f.look(); most != 1 || started < 15 {
			t.Errorf("%d booted at a time, %d in all", most, started)
		}
		time.Sleep(time.Second)
		balance(t, p)
		for _, x := range of[WorkerExit](e) {
			if x.Reason != MaxRequests || x.Exit.Cause() != "exit:0" || x.Served < 10 {
				t.Errorf("%+v", x)
			}
		}
	})
}

func TestMaxLifetime(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 2, MaxLifetime: time.Minute, Jitter: 0.1}, func(t *testing.T, p *Pool, e *events) {
		up(t, p)
		time.Sleep(59 * time.Second)
		if n, _ := f.look(); n != 2 {
			t.Fatalf("%d started", n)
		}
		stop := least(p)
		time.Sleep(10 * time.Second)
		n := stop()
		if started, _ := f.look(); n < 2 || started != 4 {
			t.Errorf("%d ready, %d started", n, started)
		}
	})
}

// The replacement cannot boot: the old one serves on.
func TestRecycleOntoBrokenCode(t *testing.T) {
	f := &fakes{}
	bubble(t, f, Options{Workers: 2, MaxRequests: 5}, func(t *testing.T, p *Pool, _ *events) {
		up(t, p)
		time.Sleep(time.Second)
		f.breaks(&wire.Failed{Kind: "error", Message: "broken"})
		for i := range 1000 {
			if b, err := ask(t.Context(), p, "/"); b != "hello" {
				t.Fatalf("request %d: %q %v", i, b, err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n, _ := f.look(); n > 20 {
			t.Errorf("%d were started", n)
		}
		balance(t, p)
	})
}
