package supervisor

import "github.com/standpipe/standpipe/shim"

// The methods of process.Requests, on goroutines of the connection and of its callers.

// Freed gives the worker's free place back to the pool.
func (w *Worker) Freed(x *shim.Exchange, o shim.Outcome) {
	if o == shim.Broken {
		w.dispatch.leave(&w.backend) // first: a request that waits must not get the place
	}
	if x.State().Expired {
		w.dispatch.giveUp(&w.backend, -1)
	}
	if w.gen.MaxRSS > 0 && o == shim.Clean {
		w.growth.after(x.Label(), w.size())
	}
	w.dispatch.free(&w.backend, o == shim.Clean, x.Ran())
}

// Expired passes a request whose time is over, or whose client has left, to run.
func (w *Worker) Expired(x *shim.Exchange, c shim.Cause, why string) {
	w.dispatch.leave(&w.backend) // at once: nothing new goes to it
	if x.State().Expired {
		w.dispatch.giveUp(&w.backend, 1)
	}
	offer(w.inputs.expired, expiry{x, c, why})
}

// Stuck counts requests that wait behind one in a worker that does not give them back.
func (w *Worker) Stuck(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count.PrefetchStuck += int64(n)
}

// debugHook is what lends the terminal to debuggers in the worker; nil: nothing does.
func (w *Worker) debugHook() func(shim.Debugging, func(string, error)) func() {
	terminal := w.gen.Terminal
	if terminal == nil {
		return nil
	}
	return func(d shim.Debugging, answer func(device string, refused error)) (end func()) {
		w.dispatch.debug(&w.backend, 1)
		back := terminal.Lend(Borrower{Who: w.who, Debugging: d}, answer)
		return func() {
			back()
			w.dispatch.debug(&w.backend, -1)
			offer(w.inputs.debug, struct{}{})
		}
	}
}

// open gives out an exchange before the worker takes requests.
func (w *Worker) open(l shim.Label) (*shim.Exchange, error) {
	x, err := w.conn.Open(l)
	if err == nil {
		w.mu.Lock()
		w.inFlight++
		w.mu.Unlock()
	}
	return x, err
}

func offer[T any](c chan T, v T) {
	select {
	case c <- v:
	default:
	}
}
