package circuit

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// An outage is told once, whatever number of requests fail, and again when it is over; nothing asks the server meanwhile but the
// probes, which come ever more seldom.
func TestCircuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var healthy atomic.Bool
		var probes, away, back atomic.Int32
		c := New(func() error {
			probes.Add(1)
			if healthy.Load() {
				return nil
			}
			return errors.New("refused")
		}, func(err error) {
			if away.Add(1); err.Error() != "reset" {
				t.Error(err)
			}
		}, func(took time.Duration) {
			if back.Add(1); took < 10*time.Second || took > 12*time.Second {
				t.Error(took)
			}
		})
		defer c.Close()
		for range 100 {
			c.Open(errors.New("reset"))
		}
		synctest.Wait()
		if !c.IsOpen() || away.Load() != 1 || probes.Load() != 1 {
			t.Errorf("open %v, told %d, probes %d", c.IsOpen(), away.Load(), probes.Load())
		}
		time.Sleep(10 * time.Second)
		c.Open(errors.New("reset"))
		if n := probes.Load(); n < 10 || n > 16 {
			t.Errorf("%d probes in ten seconds", n)
		}
		healthy.Store(true)
		time.Sleep(mostPause)
		synctest.Wait()
		if c.IsOpen() || away.Load() != 1 || back.Load() != 1 {
			t.Errorf("open %v, told %d and %d", c.IsOpen(), away.Load(), back.Load())
		}
	})
}

// Outages that the first probe ends are told once a minute; close ends an outage that goes on.
func TestCircuitBrief(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var away, back atomic.Int32
		var broken atomic.Bool
		c := New(func() error {
			if broken.Load() {
				return errors.New("refused")
			}
			return nil
		}, func(error) { away.Add(1) }, func(time.Duration) { back.Add(1) })
		for range 10 {
			c.Open(errors.New("reset"))
			synctest.Wait()
			if c.IsOpen() {
				t.Fatal("it stays open")
			}
			time.Sleep(time.Second)
		}
		if away.Load() != 1 || back.Load() != 1 {
			t.Errorf("told %d and %d", away.Load(), back.Load())
		}
		broken.Store(true)
		c.Open(errors.New("reset"))
		synctest.Wait()
		c.Close()
		c.Open(errors.New("reset"))
		if away.Load() != 2 {
			t.Errorf("told %d", away.Load())
		}
	})
}
