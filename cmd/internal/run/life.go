package run

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/exit"
)

// life runs the server: it turns channels into events, asks the lifecycle what to do, and has
// its parts do it. Only its goroutine calls step.
type life struct {
	lifecycle
	product  *compose.Server
	out      *output
	entry    entry
	boot     *boot
	report   *startReport
	reloads  *reloads
	commands *commands
	watchers *watchers
	handover *handover
	stopper  *stopper
	control  *control

	stops    chan os.Signal
	controls chan os.Signal // nil: none
	events   chan event     // from the actors
	pending  []event        // from an action: they come first
	actors   *group         // of the present phase: boot, enter, drain, stop
	// retryBoot: code is watched, so a start without any app waits for a change.
	retryBoot bool
}

// run binds, starts, serves, stops. Its error carries the exit code.
func (l *life) run(ctx context.Context) error {
	l.boot.policy = l.entry.begin(ctx)
	if err := l.open(ctx); err != nil {
		l.report.failed()
		return err
	}
	if l.watchers.hold != nil {
		l.watchers.startCode(ctx)
	}
	l.actors = newGroup(ctx)
	l.act(func(ctx context.Context) event { return event{kind: booted, err: l.booted(ctx)} })
	for l.phase != stopped {
		e := l.next()
		for _, a := range l.step(e) {
			l.do(ctx, a, e)
		}
	}
	l.watchers.stop()
	l.actors.close()
	l.stopper.end()
	return l.err
}

// open opens the addresses, drops privileges and starts the workers.
func (l *life) open(ctx context.Context) error {
	if err := l.product.Listeners.Listen(ctx); err != nil {
		if errors.As(err, new(*listen.ListenError)) {
			return exit.With(exit.Address, err)
		}
		return err
	}
	if err := l.entry.opened(ctx); err != nil {
		l.stopper.abandon(ctx)
		return err
	}
	for _, a := range l.product.Listeners.Addresses() {
		l.out.record("listening", "address", a)
	}
	if err := l.product.Prepare(); err != nil {
		l.stopper.abandon(ctx)
		return exit.With(exit.Usage, err)
	}
	warnStart(l.out.log, l.product.Config(), l.product.Listeners.Addresses())
	l.product.Start()
	l.entry.booting()
	return nil
}

// booted waits for the apps. With code that is watched, none needs to be up.
func (l *life) booted(ctx context.Context) error {
	err := l.boot.wait(ctx)
	if l.retryBoot && exit.Code(err) == exit.NotBooted {
		l.report.waits()
		return nil
	}
	if err != nil {
		l.report.failed()
	}
	return err
}

// next waits for the next event.
func (l *life) next() event {
	if len(l.pending) > 0 {
		e := l.pending[0]
		l.pending = l.pending[1:]
		return e
	}
	controls, helper, attempt := l.controls, l.product.HelperGone(), l.handover.done()
	if l.phase != serving {
		controls, helper, attempt = nil, nil, nil
	}
	select {
	case e := <-l.events:
		return e
	case sig := <-l.stops:
		return event{kind: stopSignal, sig: sig, at: time.Now()}
	case sig := <-controls:
		return event{kind: controlSignal, sig: sig}
	case <-helper:
		return event{kind: helperEnded, at: time.Now()}
	case err := <-attempt:
		return event{kind: attempted, err: err}
	}
}

// act starts an actor whose end is an event.
func (l *life) act(actor func(ctx context.Context) event) {
	l.actors.start(func(ctx context.Context) {
		e := actor(ctx)
		select {
		case l.events <- e:
		case <-ctx.Done(): // the phase is over
		}
	})
}

// nextPhase ends the actors of the present phase and waits for them.
func (l *life) nextPhase(ctx context.Context) {
	l.actors.close()
	l.actors = newGroup(ctx)
}

// do performs an action; e is what it follows from.
func (l *life) do(ctx context.Context, a action, e event) {
	switch a {
	case enterService:
		l.act(func(ctx context.Context) event { return event{kind: entered, err: l.entry.enter(ctx)} })
	case startWatching:
		l.watchers.start(ctx)
	case stopWatching:
		l.watchers.stop()
	case obeySignal:
		l.obey(e.sig)
	case concludeAttempt:
		if l.handover.conclude(e.err) {
			l.pending = append(l.pending, event{kind: superseded})
		}
	case handOver:
		l.began = time.Now()
		l.control.close() // the new process serves the commands
		l.act(func(ctx context.Context) event { l.handover.drain(ctx); return event{kind: drained} })
	case stopInOrder:
		l.nextPhase(ctx)
		if e.kind == helperEnded {
			l.out.log.Error("helper_ended", "message", "the helper process that starts workers as other users has ended; standpipe stops, because only a new start can make another one")
		}
		stopping := l.stopper.begin(ctx, l.product.Config())
		l.act(func(context.Context) event { l.stopper.run(stopping, l.first, l.began); return event{kind: halted} })
	case killAll:
		l.stopper.kill(e.sig)
	case abandon:
		l.stopper.abandon(ctx)
	case retire:
		l.stopper.abandon(ctx)
		l.out.log.Info("stopped", "reason", "upgrade", "took", time.Since(l.began))
	case reportStopped:
		l.out.log.Info("stopped", "took", time.Since(l.began))
	}
}
