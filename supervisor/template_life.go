package supervisor

import (
	"errors"
	"fmt"
	"time"

	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// templateLife is a template's run between its start and its end.
type templateLife struct {
	*template
	connDone  chan error
	exit      chan process.Exit
	connEnded bool
	isUp      bool
	canDump   bool
	termed    bool
	killed    bool
	reason    Reason
	err       error
	failed    *wire.Failed
	looks     process.Looks
	stuck     string
}

// live returns when the process has been reaped.
func (l *templateLife) live() process.Exit {
	t := l.template
	var bootTimer, tick, lingers, ladder <-chan time.Time
	var told time.Time
	if d := t.gen.BootTimeout; d > 0 {
		bootTimer = time.After(d)
	}
	if d := t.gen.BootTick; d > 0 {
		tick = time.Tick(d)
	}
	kill := t.kill
	state := Starting
	broken := func(r Reason, err error) {
		if l.reason == None {
			l.reason, l.err = r, err
		}
		bootTimer, tick = nil, nil
		l.killNow()
	}
	for {
		select {
		case e := <-l.exit:
			return e
		case h := <-t.hello:
			if want := t.gen.Hash; want != "" && h.Hash != want {
				broken(ProtocolError, fmt.Errorf("%s runs another shim: its hash is %.64q, not %s", t.program, h.Hash, want))
				continue
			}
			state, l.canDump = Booting, h.Stacks
			m := t.pool.bootMessage(t.gen)
			m.Generation = t.gen.number
			if err := t.conn.Boot(&m); err != nil {
				broken(ProtocolError, err)
			}
		case r := <-t.ready:
			if state != Booting || l.isUp || l.reason != None {
				continue
			}
			bootTimer, tick = nil, nil
			l.isUp = true
			state = Serving
			t.pool.mu.Lock()
			t.isUp = true
			t.pool.mu.Unlock()
			t.pool.emit(TemplateReady{t.who, r, time.Since(t.started)})
			close(t.up)
		case f := <-t.failed:
			if !l.isUp && l.reason == None {
				l.failed, l.reason = f, BootFailed
				bootTimer, tick = nil, nil
				ladder = time.After(t.gen.TermGrace)
			}
		case <-bootTimer:
			l.stuck = l.takeStacks()
			broken(BootTimeout, &process.BootTimeoutError{Limit: t.gen.BootTimeout, Earlier: l.looks.Before(t.gen.BootTimeout)})
		case <-tick:
			t.pool.emit(WorkerWaits{t.who, state, time.Since(t.started).Round(time.Second), l.looks.Add(l.takeStacks())})
		case <-lingers:
			t.pool.emit(WorkerWaits{t.who, Stopping, time.Since(told).Round(time.Second), ""})
		case err := <-l.connDone:
			l.connEnded, l.connDone = true, nil
			if errors.As(err, new(*wire.ProtocolError)) {
				broken(ProtocolError, err)
				continue
			}
			select { // an end of the pipes nearly always is a death
			case e := <-l.exit:
				return e
			case <-time.After(200 * time.Millisecond):
			}
			if l.reason == None { // it lives, but nobody can hear it any more
				broken(ProtocolError, err)
			}
		case order := <-t.leave:
			switch {
			case order.why == ProtocolError:
				select { // an order without an answer nearly always is a death, too
				case e := <-l.exit:
					return e
				case <-time.After(200 * time.Millisecond):
				}
				broken(order.why, order.err)
			case !l.isUp:
				broken(order.why, nil)
			case l.reason == None:
				l.reason = order.why
				t.forker.Close()
				t.conn.CloseRequests()
				ladder = l.exitHooks(order.why)
				if d := t.gen.BootTick; d > 0 {
					told, lingers = time.Now(), time.Tick(d)
				}
			case order.why.ends() && !l.termed: // it had more time than the stop has
				ladder = l.exitHooks(order.why)
			}
		case <-kill:
			kill = nil
			broken(Shutdown, nil)
		case <-ladder:
			ladder = nil
			if l.isUp && !l.termed {
				l.termed = true
				_ = l.child.Signal(process.Terminate) // for what it has started; it ignores it itself
				ladder = time.After(t.gen.TermGrace)
				continue
			}
			if l.isUp && l.err == nil {
				l.err = lateError("the template", 0)
			}
			l.killNow()
		}
	}
}

func (l *templateLife) killNow() {
	l.killed = true
	_ = l.child.Signal(process.Kill)
}

// takeStacks asks faulthandler for the stacks of a template that boots.
func (l *templateLife) takeStacks() string {
	if !l.canDump || l.child.Stacks == nil || l.child.Signal(process.Dump) != nil {
		return ""
	}
	return l.stacks.Collect(500 * time.Millisecond)
}
