package wsgi

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
)

// onAttempt gives test an attempt on an app that answers when it is told to. Time is the
// bubble's.
func onAttempt(t *testing.T, o *Options, test func(t *testing.T, p *pool, a *attempt, leave context.CancelFunc, answer chan<- bool)) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan bool)
		p := newPool(t, func(r *shimtest.Request, p *shimtest.Peer) {
			if <-answer {
				_ = p.Answer(r.Stream, "200 OK", "hello")
			}
		})
		defer close(answer)
		o.Pool = p
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		r, err := http.NewRequestWithContext(ctx, "GET", "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		a := new(attempt)
		if err := a.open(o, &request{r: r, info: new(httpx.RequestInfo)}, 1); err != nil {
			t.Fatal(err)
		}
		test(t, p, a, leave, answer)
		a.end(nil)
	})
}

func send(t *testing.T, x *shim.Exchange) {
	if err := x.Send(nil, nil, true); err != nil {
		t.Fatal(err)
	}
}

// A request that was sent later than the attempt began has all of its time, and then the
// worker is given up, once.
func TestTimeCountsFromTheSending(t *testing.T) {
	onAttempt(t, &Options{Timeout: time.Second}, func(t *testing.T, p *pool, a *attempt, _ context.CancelFunc, _ chan<- bool) {
		time.Sleep(10500 * time.Millisecond)
		send(t, a.x)
		began := time.Now()
		if _, err := a.wait(); err != errTimeout {
			t.Fatal(err)
		}
		if d := time.Since(began); d != time.Second {
			t.Errorf("%v after the sending", d)
		}
		a.close()
		if len(p.expired) != 1 || !a.x.State().Expired {
			t.Errorf("%q", p.expired)
		}
	})
}

// The limit of silence counts from its own start, and only once the answer has begun.
func TestTimeOfSilence(t *testing.T) {
	onAttempt(t, &Options{Timeout: time.Hour, StreamTimeout: time.Second}, func(t *testing.T, _ *pool, a *attempt, _ context.CancelFunc, _ chan<- bool) {
		send(t, a.x)
		time.Sleep(time.Minute)
		a.begin()
		began := time.Now()
		if _, err := a.wait(); err != errSilent || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// An answer that comes within its time is here, however late it is taken.
func TestAnswerInTime(t *testing.T) {
	onAttempt(t, &Options{Timeout: time.Second}, func(t *testing.T, _ *pool, a *attempt, leave context.CancelFunc, answer chan<- bool) {
		send(t, a.x)
		time.Sleep(time.Second - 1)
		answer <- true
		synctest.Wait()
		time.Sleep(time.Hour)
		leave()
		for _, kind := range []shim.EventKind{shim.EventHead, shim.EventBody, shim.EventEnd} {
			if e, err := a.wait(); err != nil || e.Kind != kind {
				t.Errorf("%+v, %v; want event %d", e, err, kind)
			}
		}
	})
}

// What ends a wait that has begun.
func TestWaitEnds(t *testing.T) {
	other := errors.New("other")
	for name, c := range map[string]struct {
		end  func(a *attempt, leave context.CancelFunc)
		want error
	}{
		"limit":  {func(*attempt, context.CancelFunc) {}, errTimeout},
		"cancel": {func(a *attempt, _ context.CancelFunc) { a.x.Cancel(other); a.x.Cancel(errSilent) }, other},
		"client": {func(_ *attempt, leave context.CancelFunc) { leave() }, httpx.ErrClientGone},
	} {
		t.Run(name, func(t *testing.T) {
			onAttempt(t, &Options{Timeout: time.Second}, func(t *testing.T, _ *pool, a *attempt, leave context.CancelFunc, _ chan<- bool) {
				send(t, a.x)
				over := make(chan error)
				go func() { _, err := a.wait(); over <- err }()
				synctest.Wait()
				c.end(a, leave)
				if err := <-over; err != c.want {
					t.Errorf("%v, want %v", err, c.want)
				}
			})
		})
	}
}
