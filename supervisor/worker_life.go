package supervisor

import (
	"context"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

// workerLife is the subject of a worker's life: its methods run on the goroutine of run.
type workerLife struct {
	w       *Worker
	endWarm func() // ends the warmup
}

func (l *workerLife) view() view {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	v := stopView(l.w.core, l.w.gen.TermGrace)
	v.inFlight, v.wanted = l.w.load()
	v.debugging = l.w.debugs > 0
	return v
}

func (l *workerLife) entered(s State) { l.w.state.Store(int32(s)) }

func (l *workerLife) report(waits WorkerWaits) {
	waits.Who = l.w.who
	l.w.emit(waits)
}

func (l *workerLife) perform(a action) event {
	switch a := a.(type) {
	case greet:
		l.w.inc.Greeted(a.hello)
		if a.hello.Control && l.w.gen.Threads == 1 && !l.w.gen.Boot.Gevent { // it can give back what it has not begun with
			l.w.ahead = l.w.gen.Prefetch
		}
		l.w.emit(WorkerHello{l.w.who, a.hello})
	case sendBoot:
		m := l.w.gen.bootMessage(l.w.core)
		m.Worker, m.Generation, m.Tag = l.w.slot, l.w.who.Generation, l.w.tag
		if err := l.w.conn.Boot(&m); err != nil {
			return pipesBroken{err}
		}
	case warmUp:
		var ctx context.Context
		ctx, l.endWarm = context.WithCancel(context.Background())
		go func() { l.w.inputs.warmed <- l.w.gen.Warmup(ctx, l.w.open) }() // ends with its ctx, and with the Conn
	case serve:
		l.serve(a.ready)
	case replaceMe:
		l.w.mu.Lock()
		l.w.recycle.add(l.w, a.reason)
		l.w.mu.Unlock()
	case withdraw:
		l.w.dispatch.leave(&l.w.backend)
		return withdrawn{}
	case announce:
		l.w.onLeave(a.reason)
	case sendStop:
		_ = l.w.conn.Stop()
	case reportExpired:
		l.reportExpired(a.expiry)
	case interrupt:
		_ = l.w.conn.Interrupt(a.x, a.cause) // without a control socket the next steps end it
		return interrupted{a.cause}
	}
	return nil
}

// serve takes the worker into service.
func (l *workerLife) serve(ready *wire.Ready) {
	l.w.inc.Booted()
	l.w.boots.ended(l.w.gen, l.w.boot, booted, BootFailure{})
	if l.w.gen.MaxRSS > 0 {
		l.w.growth.begin(l.w.size())
	}
	count, of := l.w.dispatch.join(&l.w.backend, l.w.gen.Cutover)
	l.w.emit(WorkerReady{l.w.who, ready, time.Since(l.w.started), count, of})
	l.w.onReady()
}

// betweenLooks is the time between two looks at a request whose time is over. Its client has an answer; the worker is to be
// replaced.
const betweenLooks = 20 * time.Millisecond

// expiredLimit is askLimit for the first look: on a busy machine a worker is not asked in vain where it hangs.
const expiredLimit = time.Second

// reportExpired reports a request whose time is over with the stacks of the worker. Where the client has left nothing is
// reported.
func (l *workerLife) reportExpired(e expiry) {
	if e.cause != shim.TimeOver {
		return
	}
	r := RequestExpired{Who: l.w.who, Request: e.x.State(), Why: e.why, Stacks: l.w.inc.Stacks(e.x, expiredLimit)}
	if r.Stacks != "" {
		time.Sleep(betweenLooks)
		if again := l.w.inc.Stacks(e.x, askLimit); again != "" {
			r.Earlier, r.Stacks = r.Stacks, again
		}
	}
	l.w.emit(r)
}
