package supervisor

import (
	"io"
	"strings"
	"time"

	"github.com/standpipe/standpipe/shim"
)

// What the worker's Conn and its pipes tell, on their own goroutines. Each of
// these only hands on.

// Noise: output that came before the nonce.
func (w *Worker) Noise(p []byte) {
	g := grouper{record: func(text string) { w.output("", "", text) }}
	g.write(p)
	g.flush()
}

// Hello hands on to run.
func (w *Worker) Hello(m *shim.Hello) { offer(w.hello, m) }

// Ready hands on to run.
func (w *Worker) Ready(m *shim.Ready) { offer(w.ready, m) }

// Failed hands on to run.
func (w *Worker) Failed(m *shim.Failed) { offer(w.failed, m) }

// Log hands on to the events.
func (w *Worker) Log(l *shim.Label, r *shim.LogRecord) { w.pool.emit(ShimLog{w.who, l, r}) }

// Stacks hands on to run.
func (w *Worker) Stacks(text string) { offer(w.stacks, text) }

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
		w.tail.add(text)
		w.mu.Unlock()
	}
	w.mu.Lock()
	if len(w.crash.b) > 0 || strings.HasPrefix(text, fatal) {
		w.crash.add(text)
	}
	w.mu.Unlock()
	w.pool.emit(Output{w.who, id, level, text})
}

func (w *Worker) readStacks() { readStacks(w.child.Stacks, w.stacks) }

// readStacks reads what faulthandler writes, until the pipe ends.
func readStacks(r io.Reader, stacks chan string) {
	buf := make([]byte, 4<<10)
	pending := ""
	for {
		n, err := r.Read(buf)
		if n > 0 {
			// faulthandler writes word by word: what finds no room goes with the next piece.
			pending += strings.ToValidUTF8(string(buf[:n]), "?")
			select {
			case stacks <- pending:
				pending = ""
			case <-time.After(stacksRoom):
				if len(pending) > stacksMost { // nobody has asked
					pending = ""
				}
			}
		}
		if err != nil {
			return
		}
	}
}

const (
	stacksRoom = 20 * time.Millisecond // how long a piece of stacks waits for room
	stacksMost = 1 << 20               // octets of pieces that found none
)
