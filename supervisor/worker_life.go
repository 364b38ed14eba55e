package supervisor

import (
	"context"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// workerLife is the subject of a worker's life: what life asks of the worker, on the goroutine of run.
type workerLife struct {
	*Worker
	endWarm func() // ends the warmup
}

func (w *workerLife) view() view {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := stopView(w.core, w.gen.TermGrace)
	v.inFlight, v.wanted = w.load()
	return v
}

func (w *workerLife) entered(s State) { w.state.Store(int32(s)) }

func (w *workerLife) report(e Event) {
	if waits, ok := e.(WorkerWaits); ok {
		waits.Who = w.who
		e = waits
	}
	w.emit(e)
}

func (w *workerLife) perform(a action) event {
	switch a := a.(type) {
	case greet:
		w.inc.Greeted(a.hello)
		if a.hello.Control && w.gen.Threads == 1 && !w.gen.Boot.Gevent { // it can give back what it has not begun with
			w.ahead = w.gen.Prefetch
		}
		w.emit(WorkerHello{w.who, a.hello})
	case sendBoot:
		m := w.gen.bootMessage(w.core)
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
		w.mu.Lock()
		w.recycle.add(w.Worker, a.reason)
		w.mu.Unlock()
	case withdraw:
		w.dispatch.leave(&w.backend)
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
func (w *workerLife) serve(ready *wire.Ready) {
	w.inc.Booted()
	w.boots.ended(w.gen, w.boot, booted, BootFailure{})
	if w.gen.MaxRSS > 0 {
		w.growth.begin(w.size())
	}
	count, of := w.dispatch.join(&w.backend)
	w.emit(WorkerReady{w.who, ready, time.Since(w.started), count, of})
	w.onReady()
}

// betweenLooks is the time between two looks at a request whose time is over. Its client has an answer; the worker is to be
// replaced.
const betweenLooks = 20 * time.Millisecond

// reportExpired reports a request whose time is over with the stacks of the worker. Where the client has left nothing is
// reported.
func (w *workerLife) reportExpired(e expiry) {
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
	w.emit(r)
}
