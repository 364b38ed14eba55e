package h2

import (
	"testing"
	"time"
)

// clock is a time that a test sets.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// spend sends n frames, all within a second of each other in the time that it takes, and returns how many were accepted.
func spend(b *budgets, n int, h head, t *tally) (int, string) {
	for i := range n {
		if why, _ := b.frame(h, t); why != "" {
			return i, why
		}
	}
	return n, ""
}

// A million frames at once are too many of each kind; the reason names it.
func TestFloodsEnd(t *testing.T) {
	for why, h := range map[string]head{
		"settings_flood": {kind: settingsFrame}, "ping_flood": {kind: pingFrame}, "rapid_reset": {kind: rstFrame, stream: 1}, "window_update_flood": {kind: windowUpdateFrame},
		"priority_flood": {kind: priorityFrame}, "empty_data_flood": {kind: dataFrame}, "unknown_frames": {kind: 77}, "continuation_flood": {kind: continuationFrame},
	} {
		b := newBudgets((&clock{}).now)
		if n, got := spend(b, 1e6, h, new(tally)); got != why {
			t.Errorf("%s: %q after %d frames", why, got, n)
		}
	}
}

// Requests that are cancelled end the connection, whichever side resets their streams; so do errors of the client.
func TestOutcomes(t *testing.T) {
	for why, count := range map[string]func(*tally){"cancelled_requests": func(t *tally) { t.cancelled.Add(1) }, "stream_errors": func(t *tally) { t.faults.Add(1) }} {
		b, sum := newBudgets((&clock{}).now), new(tally)
		for i := 0; ; i++ {
			got, _ := b.frame(head{kind: headersFrame}, sum)
			if got == why {
				break
			}
			if got != "" || i > 10000 {
				t.Errorf("%s: %q after %d", why, got, i)
				break
			}
			count(sum)
		}
	}
}

// What clients do that have nothing bad in mind never ends a connection, however long they do it.
func TestBudgetsOfClients(t *testing.T) {
	const hours = 3600
	for name, second := range map[string]func(b *budgets, sum *tally, send func(head)){
		"a user who leaves a page each second": func(_ *budgets, sum *tally, send func(head)) {
			for range 80 {
				send(head{kind: headersFrame})
			}
			sum.answered.Add(70)
			sum.cancelled.Add(10)
			for range 10 {
				send(head{kind: rstFrame})
			}
		},
		"a proxy with 1000 clients": func(_ *budgets, sum *tally, send func(head)) {
			for range 2000 {
				send(head{kind: headersFrame})
			}
			sum.answered.Add(1600)
			sum.cancelled.Add(400)
			for range 400 {
				send(head{kind: rstFrame})
			}
		},
		"a download that opens both windows for each frame": func(_ *budgets, sum *tally, send func(head)) {
			for range 10000 {
				sum.data.Add(1)
				send(head{kind: windowUpdateFrame, length: 4})
				send(head{kind: windowUpdateFrame, length: 4, stream: 1})
			}
		},
		"downloads whose windows are opened after all has been sent, as Go's client does": func(_ *budgets, sum *tally, send func(head)) {
			sum.data.Add(40 << 20 >> 14)
			sum.bytes.Add(40 << 20)
			repeat(2*(40<<20>>12), send, head{kind: windowUpdateFrame, length: 4})
		},
		"a proxy whose clients all leave at the end": func(_ *budgets, sum *tally, send func(head)) {
			repeat(1000, send, head{kind: headersFrame})
			sum.answered.Add(900)
			sum.cancelled.Add(100)
			repeat(100, send, head{kind: rstFrame})
		},
		"a client that measures the round trip":     func(_ *budgets, _ *tally, send func(head)) { repeat(900, send, head{kind: pingFrame, length: 8}) },
		"an upload in frames of 64 bytes":           func(_ *budgets, _ *tally, send func(head)) { repeat(100000, send, head{length: 64}) },
		"keystrokes of 1 byte, 100 in a second":     func(_ *budgets, _ *tally, send func(head)) { repeat(100, send, head{length: 1}) },
		"an upload in frames of 1 byte, all it can": func(_ *budgets, _ *tally, send func(head)) { repeat(100000, send, head{length: 1}) },
		"a browser that changes priorities":         func(_ *budgets, _ *tally, send func(head)) { repeat(150, send, head{kind: priorityUpdateFrame}) },
	} {
		at := &clock{time.Unix(1, 0)}
		b, sum := newBudgets(at.now), new(tally)
		for i := range hours / 36 {
			second(b, sum, func(h head) {
				why, wait := b.frame(h, sum)
				if why != "" {
					t.Fatalf("%s: %s after %d s", name, why, i)
				}
				at.at = at.at.Add(wait)
			})
			at.at = at.at.Add(time.Second)
		}
	}
}

func repeat(n int, send func(head), h head) {
	for range n {
		send(h)
	}
}

// A client that sends its body byte by byte, as fast as it can, is slowed to the rate of the limit.
func TestTinyDataIsSlowed(t *testing.T) {
	at := &clock{time.Unix(1, 0)}
	b := newBudgets(at.now)
	const frames = 1 << 20
	for range frames {
		_, wait := b.frame(head{kind: dataFrame, length: 1, stream: 1}, nil)
		at.at = at.at.Add(wait)
	}
	if perSecond := frames / at.at.Sub(time.Unix(1, 0)).Seconds(); perSecond > 25000 || perSecond < 15000 {
		t.Errorf("%.0f frames in a second", perSecond)
	}
	at.at = at.at.Add(time.Hour)
	if _, wait := b.frame(head{kind: dataFrame, length: 1, stream: 1}, nil); wait != 0 {
		t.Errorf("it waits %v after an hour", wait)
	}
}
