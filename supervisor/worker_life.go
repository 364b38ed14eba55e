package supervisor

import (
	"context"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// A Worker is the subject of its life: what life asks of it, on the goroutine of run.

func (w *Worker) view() view { return w.pool.viewOf(w) }

func (w *Worker) entered(s State) { w.state.Store(int32(s)) }

func (w *Worker) report(e Event) {
	if waits, ok := e.(WorkerWaits); ok {
		waits.Who = w.who
		e = waits
	}
	w.pool.emit(e)
}

func (w *Worker) perform(a action) event {
	switch a := a.(type) {
	case greet:
		w.inc.Greeted(a.hello)
		if w.canPrefetch(a.hello) {
			w.ahead = w.gen.Prefetch
		}
		w.pool.emit(WorkerHello{w.who, a.hello})
	case sendBoot:
		m := w.pool.bootMessage(w.gen)
		m.Worker, m.Generation, m.Tag = w.slot, w.who.Generation, w.tag
		if err := w.conn.Boot(&m); err != nil {
			return pipesBroken{err}
		}
	case warmUp:
		var ctx context.Context
		ctx, w.endWarm = context.WithCancel(context.Background())
		go func() { w.inputs.warmed <- w.gen.Warmup(ctx, w.open) }() // ends with its ctx, and with the Conn
	case serve:
		w.serve(a.ready)
	case replaceMe:
		w.pool.mu.Lock()
		w.pool.isDue(w, a.reason)
		w.pool.mu.Unlock()
	case withdraw:
		w.pool.leave(w)
		return withdrawn{}
	case announce:
		w.onLeave(a.reason)
	case sendStop:
		_ = w.conn.Stop()
	case reportExpired:
		w.reportExpired(a.expiry)
	case interrupt:
		_ = a.x.Interrupt(a.cause) // without a control socket the next steps end it
		return interrupted{a.cause}
	}
	return nil
}

// serve takes the worker into service.
func (w *Worker) serve(ready *wire.Ready) {
	w.inc.Booted()
	w.pool.bootEnded(w, booted, BootFailure{})
	if w.gen.MaxRSS > 0 {
		w.growth.begin(w.size())
	}
	count, of := w.pool.join(w)
	w.pool.emit(WorkerReady{w.who, ready, time.Since(w.started), count, of})
	w.onReady()
}

// betweenLooks is the time between two looks at a request whose time is over. Its client has an answer; the worker is to be
// replaced.
const betweenLooks = 20 * time.Millisecond

// reportExpired reports a request whose time is over with the stacks of the worker. Where the client has left nothing is
// reported.
func (w *Worker) reportExpired(e expiry) {
	if e.cause != shim.TimeOver {
		return
	}
	r := RequestExpired{Who: w.who, Request: shim.InFlight{Label: e.x.Label(), Sent: e.x.Sent()}, Why: e.why, Stacks: w.inc.Stacks(e.x, askLimit)}
	if r.Stacks != "" {
		time.Sleep(betweenLooks)
		if again := w.inc.Stacks(e.x, askLimit); again != "" {
			r.Earlier, r.Stacks = r.Stacks, again
		}
	}
	w.pool.emit(r)
}

// What its connection says about requests, on goroutines of the connection and of its callers.

// Freed gives the worker's free place back to the pool.
func (w *Worker) Freed(x *shim.Exchange, o shim.Outcome) {
	if o == shim.Broken {
		w.pool.leave(w) // first: a request that waits must not get the place
	}
	if x.Expired() {
		w.pool.giveUp(w, -1)
	}
	if w.gen.MaxRSS > 0 && o == shim.Clean {
		w.growth.after(x.Label(), w.size())
	}
	w.pool.free(w, o == shim.Clean, x.Ran())
}

// Expired passes a request whose time is over, or whose client has left, to run.
func (w *Worker) Expired(x *shim.Exchange, c shim.Cause, why string) {
	w.pool.leave(w) // at once: nothing new goes to it
	if x.Expired() {
		w.pool.giveUp(w, 1)
	}
	offer(w.inputs.expired, expiry{x, c, why})
}

// Stuck counts requests that wait behind one in a worker that does not give them back.
func (w *Worker) Stuck(n int) {
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	w.pool.count.PrefetchStuck += int64(n)
}

// open gives out an exchange before the worker takes requests.
func (w *Worker) open(l shim.Label) (*shim.Exchange, error) {
	x, err := w.conn.Open(l)
	if err == nil {
		w.pool.mu.Lock()
		w.inFlight++
		w.pool.mu.Unlock()
	}
	return x, err
}

func offer[T any](c chan T, v T) {
	select {
	case c <- v:
	default:
	}
}
