package supervisor

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAlignedTickers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		for range 3 {
			time.Sleep(70 * time.Millisecond) // fake time: they begin apart
			b := alignedTicker{every: time.Second}
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
		b := alignedTicker{every: time.Second}
		if b.next(false) != nil || (&alignedTicker{}).next(true) != nil {
			t.Error("a ticker that is not wanted, or that has no period, ticks")
		}
	})
}
