package spool

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// A body waits shortly for one that has been answered and is about to go, and not for longer.
func TestRoomThatComesSoon(t *testing.T) {
	client := netip.MustParsePrefix("192.0.2.1/32")
	synctest.Test(t, func(t *testing.T) {
		b := &Budget{Name: "spool_total", Total: 32, Share: 8}
		if err := b.Take(client, 12); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := b.FitsSoon(client, 12); !errors.Is(err, ErrFull) || time.Since(began) != soon {
			t.Errorf("a body that stays: %v after %v", err, time.Since(began))
		}
		began = time.Now()
		if err := b.FitsSoon(client, 33); !errors.Is(err, ErrFull) || time.Since(began) != 0 {
			t.Errorf("a body that never fits: %v after %v", err, time.Since(began))
		}
		go func() {
			time.Sleep(time.Millisecond)
			b.Give(client, 4) // not enough yet
			time.Sleep(time.Millisecond)
			b.Give(client, 8)
		}()
		began = time.Now()
		if err := b.TakeSoon(client, 12); err != nil || time.Since(began) != 2*time.Millisecond {
			t.Errorf("a body that goes: %v after %v", err, time.Since(began))
		}
		if b.Used() != 12 {
			t.Errorf("%d in use", b.Used())
		}
	})
}
