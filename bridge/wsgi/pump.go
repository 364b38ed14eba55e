package wsgi

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/shim"
)

// pump takes an answer from its worker while the client is slow, so that the worker
// does not wait for it. It starts when the worker's credit runs low while the client
// is being written to, and the client has been waited for as long as its patience:
// short answers, and those whose clients keep up, go straight through, without a
// goroutine. From its start on it alone waits for the attempt, and the response reads
// its pipe.
type pump struct {
	p      *response
	a      *attempt
	length int64 // as in head

	mu      sync.Mutex
	inWrite bool           // the response is writing, and does not wait for the attempt
	behind  bool           // start when the patience is used up
	over    bool           // do not start any more
	got     int64          // bytes of body that the response has taken
	waits   spool.Patience // of the worker for the client; starts the pump
	pipe    *spool.Pipe
	cancel  context.CancelFunc // ends a wait for the pipe
	done    chan struct{}      // closed when the goroutine has ended; nil: it was not started
}

// watch makes the pump ready. stop must be called.
func (u *pump) watch(p *response, a *attempt, length int64) {
	u.p, u.a, u.length = p, a, length
	a.x.Watch(u)
}

// Behind is for the exchange alone.
func (u *pump) Behind() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.behind = true
	u.wait()
}

// wait begins to wait for the client, if that is what is done. mu is held.
func (u *pump) wait() {
	if !u.inWrite || !u.behind || u.over || u.done != nil {
		return
	}
	u.waits.Wait(u.start)
}

// start starts the goroutine when the patience is used up.
func (u *pump) start() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.over || !u.waits.UsedUp() {
		return
	}
	u.pipe = u.p.o.Answers.Open(spool.ClientKey(u.p.log.info.RemoteAddr), u.p.log.answerSpool)
	u.done = make(chan struct{})
	var ctx context.Context
	ctx, u.cancel = context.WithCancel(context.Background()) // stop ends it
	go u.run(ctx)
}

// writing: the response writes now; it has taken got bytes in all.
func (u *pump) writing(got int64) {
	if u.a == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.inWrite, u.got = true, got
	u.wait()
}

// runs: the response has written. If the pump runs, the attempt is the pump's.
func (u *pump) runs() bool {
	if u.a == nil {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.inWrite = false
	u.waits.Waited()
	return u.done != nil
}

// stop ends the goroutine, waits for it and frees what waits in the pipe.
func (u *pump) stop() {
	u.mu.Lock()
	u.over = true
	u.waits.Stop()
	u.mu.Unlock()
	if u.done == nil {
		return
	}
	u.a.x.Cancel(httpx.ErrClientGone) // it may still run only when the client takes no more
	u.cancel()
	<-u.done
	u.pipe.Close()
}

// run closes the exchange when the app has ended, however long the client takes.
func (u *pump) run(ctx context.Context) {
	defer close(u.done)
	err := u.take(ctx)
	if err != nil {
		u.p.log.report(u.p.o.Spool, err) // now: neither a worker that is stuck nor the log is to wait for the client
	} else {
		err = io.EOF
	}
	u.a.close()
	u.pipe.CloseWrite(err)
}

// take passes the body on. nil: it is complete, or as long as it may be.
func (u *pump) take(ctx context.Context) error {
	for got := u.got; ; {
		e, err := u.a.wait()
		if err != nil {
			return err
		}
		if e.Kind == shim.EventEnd {
			return u.p.ended(u.length, got)
		}
		keep, over := u.p.clip(u.length, got, e.Body)
		err = u.pipe.Write(ctx, keep)
		e.Free()
		if err != nil {
			return fmt.Errorf("%w: %w", httpx.ErrClientGone, err)
		}
		if over {
			return nil
		}
		got += int64(len(keep))
	}
}
