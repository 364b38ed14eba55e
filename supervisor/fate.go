package supervisor

import (
	"context"
	"errors"
	"fmt"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// fate says whether the worker's death was its own doing: then whatever it ran may
// have caused it, and is not run again.
func (l *life) fate(e process.Exit) shim.Fate {
	f := shim.Fate{Own: true}
	switch {
	case l.reason == HardRSS:
		f.Why = "the worker was larger than hard_rss"
	case l.reason == ProtocolError || errors.As(l.conn.Err(), new(*wire.ProtocolError)):
		f.Why = "the worker broke the protocol"
	case e.OOM:
		f.Why = "the kernel killed the worker for lack of memory"
	case l.reason == RequestTimeout:
		f.Own, f.Why = false, "the worker was stopped for another request's timeout"
	case l.reason != None:
		f.Own, f.Why = false, "the worker was stopped: "+l.reason.String()
	case e.Signal == 0:
		f.Why = fmt.Sprintf("the worker ended by itself with status %d", e.Code)
	case e.Crashed():
		f.Why = "the worker crashed: " + e.SignalName
	default:
		f.Own, f.Why = false, "the worker was killed from outside: "+e.SignalName
	}
	return f
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

// Dump returns the stacks of all threads of the worker in the slot (from 0), which
// goes on. It is empty when the worker cannot be asked.
func (p *Pool) Dump(ctx context.Context, number int) (string, error) {
	p.mu.Lock()
	var w *Worker
	if number >= 0 && number < len(p.slots) {
		w = p.slots[number].seat
	}
	p.mu.Unlock()
	if w == nil {
		return "", fmt.Errorf("no worker %s/%d runs", p.opts.App, number+1)
	}
	answer := make(chan string, 1)
	select {
	case w.dumps <- answer:
	case <-w.gone:
		return "", fmt.Errorf("worker %s/%d has just ended", p.opts.App, number+1)
	case <-ctx.Done():
		return "", ctx.Err()
	}
	select {
	case text := <-answer:
		return text, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
