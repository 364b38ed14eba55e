package supervisor

import "time"

// slot is a permanent seat: it keeps one worker alive, backs off, never gives
// up, and never has two.
type slot struct {
	pool   *Pool
	number int
	died   time.Time // when a worker of this slot last died unasked after it had been ready
}

// secondDeath: two deaths of workers that had been ready, so close together,
// make the slot wait.
const secondDeath = 10 * time.Second

// run starts workers, one after the other, until the pool stops.
func (s *slot) run() {
	for s.pool.gate.enter(s.pool.stop) {
		w := newWorker(s.pool, s.number, 1)
		if !s.pool.seat(s.number, w) {
			s.pool.gate.leave(true) // stopped between the gate and the seat
			return
		}
		wasReady, reason := w.run()
		s.pool.seat(s.number, nil)
		if !wasReady || reason.planned() {
			continue
		}
		now := time.Now()
		again := !s.died.IsZero() && now.Sub(s.died) < secondDeath
		s.died = now
		if again {
			select {
			case <-time.After(secondDeath / 10):
			case <-s.pool.stop:
			}
		}
	}
}
