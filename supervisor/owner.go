package supervisor

import (
	"strings"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/output"
)

// What the worker's Conn and its pipes tell, on their own goroutines. Each of
// these only hands on.

// Noise: output that came before the nonce.
func (w *Worker) Noise(p []byte) {
	output.Split(p, func(text string) { w.output("", "", text) })
}

// Hello hands on to run.
func (w *Worker) Hello(m *wire.Hello) { offer(w.hello, m) }

// Ready hands on to run.
func (w *Worker) Ready(m *wire.Ready) { offer(w.ready, m) }

// Failed hands on to run.
func (w *Worker) Failed(m *wire.Failed) { offer(w.failed, m) }

// Log hands on to the events.
func (w *Worker) Log(l *shim.Label, r *wire.LogRecord) { w.pool.emit(ShimLog{w.who, l, r}) }

// Stacks hands on to run.
func (w *Worker) Stacks(text string) { w.stacks.Add(text) }

// Freed gives the worker's place back to the pool.
func (w *Worker) Freed(x *shim.Exchange, o shim.Outcome) {
	if o == shim.Broken {
		w.pool.leave(w) // first: the place must not go to one who waits
	}
	if x.Expired() {
		w.pool.giveUp(w, -1)
	}
	if w.gen.MaxRSS > 0 && o == shim.Clean {
		w.growth.after(x.Label(), w.size())
	}
	w.pool.free(w, o == shim.Clean, x.Ran())
}

// Expired hands on to run.
func (w *Worker) Expired(x *shim.Exchange, c shim.Cause, why string) {
	w.pool.leave(w) // at once: nothing new goes to it
	if x.Expired() {
		w.pool.giveUp(w, 1)
	}
	offer(w.expired, expiry{x, c, why})
}

func offer[T any](c chan T, v T) {
	select {
	case c <- v:
	default:
	}
}

// output hands on what the worker printed for the request id; empty: for none.
func (w *Worker) output(id, level, text string) {
	if w.State() < Serving {
		w.mu.Lock()
		w.tail.Add(text)
		w.mu.Unlock()
	}
	w.mu.Lock()
	if !w.crash.Empty() || strings.HasPrefix(text, output.Fatal) {
		w.crash.Add(text)
	}
	w.mu.Unlock()
	w.pool.emit(Output{w.who, id, level, text})
}
