package supervisor

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/supervisor/process"
)

// pools starts n pools of one worker each that share turns. stop stops them all.
func pools(f *fakes, turns *Turns, n int) (list []*Pool, stop func()) {
	for i := range n {
		name := fmt.Sprintf("app%d", i)
		p := New(Options{App: name, Spawner: f, Command: program(name), Turns: turns})
		p.Start()
		list = append(list, p)
	}
	return list, func() {
		for _, p := range list {
			p.Stop(context.Background())
		}
	}
}

func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakes{}
		list, stop := pools(f, NewTurns(3), 20)
		for _, p := range list {
			up(t, p)
		}
		if started, most := f.look(); started != 20 || most != 3 {
			t.Errorf("%d workers were started, %d booted at a time; want 20 and 3", started, most)
		}
		f.any().end(process.Exit{Code: 1}) // a turn is free again: the dead one's successor boots at once
		synctest.Wait()
		if started, _ := f.look(); started != 21 {
			t.Errorf("%d workers were started; want 21", started)
		}
		stop()
	})
}

// Apps that hang at their import keep the others waiting for a turn's time, not for
// their own boot timeout.
func TestTurnsOfBootsThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := NewTurns(2)
		_, stopHanging := pools(&fakes{mute: true}, turns, 4)
		synctest.Wait()
		began := time.Now()
		list, stop := pools(&fakes{}, turns, 1)
		up(t, list[0])
		if took := time.Since(began); took < turnTime || took > 2*turnTime+time.Second {
			t.Errorf("up after %v behind 4 that hang, 2 at a time; want %v and a little, at most twice that", took, 2*turnTime)
		}
		stop()
		stopHanging()
	})
}

// Who waits for a turn is not waited for.
func TestStopWhileWaitingForATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := NewTurns(1)
		f := &fakes{}
		done, _ := turns.take(nil)
		defer done()
		began := time.Now()
		_, stop := pools(f, turns, 3)
		synctest.Wait()
		stop()
		if started, _ := f.look(); started != 0 || time.Since(began) != 0 {
			t.Errorf("%d were started, and the stop took %v", started, time.Since(began))
		}
	})
}

func TestBeatsMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		for range 3 {
			time.Sleep(70 * time.Millisecond) // fake time: they begin apart
			b := beat{every: time.Second}
			for range 2 {
				<-b.next(true)
				b.over()
			}
			at = append(at, time.Now())
			b.stop()
		}
		for _, a := range at {
			if !a.Equal(a.Truncate(time.Second)) {
				t.Errorf("a tick at %v, which is no whole second", a)
			}
		}
		b := beat{every: time.Second}
		if b.next(false) != nil || (&beat{}).next(true) != nil {
			t.Error("a beat that nobody wants, or that has no period, ticks")
		}
	})
}
