package httpx

import (
	"testing"
	"time"
)

// Patience ends after Silence without a byte, later for who is slow, never for who keeps the rate.
func TestPatience(t *testing.T) {
	const second = time.Second
	for _, c := range []struct {
		name  string
		pace  Pace
		moved int64 // in each second
		ends  int   // after so many seconds; 0: never
	}{
		{"silent", Pace{Silence: 10 * second, Rate: 100}, 0, 10},
		{"half of the rate", Pace{Silence: 10 * second, Rate: 100}, 50, 20},
		{"a byte", Pace{Silence: 10 * second, Rate: 1000}, 1, 11},
		{"the rate", Pace{Silence: 10 * second, Rate: 100}, 100, 0},
		{"more than the rate", Pace{Silence: 10 * second, Rate: 100}, 1 << 60, 0},
		{"no rate, a byte", Pace{Silence: 10 * second}, 1, 0},
		{"no rate, silent", Pace{Silence: 10 * second}, 0, 10},
		{"no limit", Pace{Rate: 100}, 0, 0},
	} {
		var p Patience
		p.Begin(c.pace)
		ended := 0
		for i := 1; i <= 1000 && ended == 0; i++ {
			if !p.Spend(second, c.moved) {
				ended = i
			}
		}
		if ended != c.ends {
			t.Errorf("%s: ended after %d seconds, want %d", c.name, ended, c.ends)
		}
	}
}

// A burst gives the patience back, and no more than that.
func TestPatienceAfterABurst(t *testing.T) {
	var p Patience
	p.Begin(Pace{Silence: 10 * time.Second, Rate: 100})
	if !p.Spend(9*time.Second, 0) || !p.Spend(time.Second/2, 1<<30) || p.Left() != 10*time.Second {
		t.Errorf("%v is left", p.Left())
	}
}
