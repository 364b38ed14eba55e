package wsgi

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/shimtest"
)

// onClock gives test a clock on an exchange with an app that answers when it is told
// to. Time is the bubble's.
func onClock(t *testing.T, test func(t *testing.T, c *clock, x *shim.Exchange, leave context.CancelFunc, answer chan<- bool)) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan bool)
		p := newPool(t, func(r *shimtest.Request, p *shimtest.Peer) {
			if <-answer {
				_ = p.Answer(r.Stream, "200 OK", "hello")
			}
		})
		defer close(answer)
		x, err := p.conn.Open(shim.Label{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		c := new(clock)
		c.reset(ctx, x)
		test(t, c, x, leave, answer)
		c.end()
	})
}

func send(t *testing.T, x *shim.Exchange) {
	if err := x.Send(nil, nil, true); err != nil {
		t.Fatal(err)
	}
}

// A request that is not sent yet, or was sent later than the clock began, has all of
// its time.
func TestClockCountsFromTheSending(t *testing.T) {
	onClock(t, func(t *testing.T, c *clock, x *shim.Exchange, _ context.CancelFunc, _ chan<- bool) {
		c.start(time.Second, errTimeout)
		time.Sleep(10500 * time.Millisecond)
		if c.Err() != nil {
			t.Fatal("the time is over before it began")
		}
		send(t, x)
		began := time.Now()
		if _, err := x.Head(c); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if d := time.Since(began); d != time.Second {
			t.Errorf("%v after the sending", d)
		}
		if c.stop() || c.ended() != errTimeout || c.Err() != context.Canceled {
			t.Errorf("%v, %v", c.ended(), c.Err())
		}
	})
}

// The limit of silence counts from its own start.
func TestClockOfSilence(t *testing.T) {
	onClock(t, func(t *testing.T, c *clock, x *shim.Exchange, _ context.CancelFunc, _ chan<- bool) {
		send(t, x)
		c.start(time.Hour, errTimeout)
		time.Sleep(time.Minute)
		if !c.stop() {
			t.Fatal("over")
		}
		c.start(time.Second, errSilent)
		began := time.Now()
		if _, err := x.Head(c); err == nil || c.ended() != errSilent || time.Since(began) != time.Second {
			t.Errorf("%v, %v after %v", err, c.ended(), time.Since(began))
		}
	})
}

// A stopped limit ends nothing, and the clock's next request has its own.
func TestClockIsUsedAgain(t *testing.T) {
	onClock(t, func(t *testing.T, c *clock, x *shim.Exchange, leave context.CancelFunc, answer chan<- bool) {
		send(t, x)
		c.start(time.Second, errTimeout)
		time.Sleep(time.Second - 1)
		if !c.stop() {
			t.Fatal("over")
		}
		time.Sleep(time.Hour)
		if c.Err() != nil {
			t.Fatal("a stopped limit has ended the context")
		}
		c.start(time.Second, errTimeout)
		time.Sleep(time.Minute)
		if c.stop() || c.Err() == nil {
			t.Fatal("the second limit has not ended it")
		}
		c.end()
		if c.free() != c {
			t.Error("it is not used again")
		}
		ctx, leave2 := context.WithCancel(context.Background())
		c.reset(ctx, x)
		if c.Err() != nil {
			t.Error("the next request has ended with the one before")
		}
		answer <- true
		if _, err := x.Head(c); err != nil {
			t.Error(err)
		}
		leave2()
		if c.Err() != context.Canceled {
			t.Error("the client has left")
		}
	})
}

// Whoever waits already when the clock is widened hears of what comes after.
func TestClockWidened(t *testing.T) {
	for name, end := range map[string]func(*clock, context.CancelFunc){
		"limit":  func(*clock, context.CancelFunc) {},
		"cancel": func(c *clock, _ context.CancelFunc) { c.cancel(errTimeout) },
		"client": func(_ *clock, leave context.CancelFunc) { leave() },
	} {
		t.Run(name, func(t *testing.T) {
			for _, late := range []bool{false, true} { // widened when it has ended, or before
				onClock(t, func(t *testing.T, c *clock, x *shim.Exchange, leave context.CancelFunc, _ chan<- bool) {
					send(t, x)
					c.start(time.Second, errTimeout)
					over := make(chan error)
					go func() { _, err := x.Head(c); over <- err }()
					synctest.Wait()
					if !late {
						c.widen()
					}
					time.Sleep(time.Millisecond)
					end(c, leave)
					if err := <-over; err != context.Canceled {
						t.Error(err)
					}
					c.widen()
					<-c.Done()
					if name != "client" && c.ended() != errTimeout {
						t.Error(c.ended())
					}
					c.end()
					if c.free() == c {
						t.Error("a clock that others may have is used again")
					}
				})
			}
		})
	}
}
