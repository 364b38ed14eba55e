package h2

import (
	"sync/atomic"
	"time"
)

// limit is how much of something a client may do: burst at once, and rate per second in the long
// run.
type limit struct{ burst, rate int64 }

// The limits. They are far above what browsers, curl, proxies and load generators do, and what a
// client gets for its useful work comes on top (budgets.frame).
var (
	limitSettings = limit{100, 10}
	limitPing     = limit{5000, 1000} // clients that measure the round trip send one in each
	limitResets   = limit{500, 20}    // five times maxStreams: a user leaves a page five times within a second
	limitFaults   = limit{100, 2}
	limitWindow   = limit{10000, 1000}
	limitPriority = limit{2000, 200}
	limitEmpty    = limit{1000, 100}
	limitOther    = limit{1000, 100}
	// limitTiny is in bytes that frames of DATA have below leastData.
	limitTiny = limit{32000 * leastData, 20000 * leastData}
)

const (
	// leastData is how many bytes a frame of DATA has on average, in the long run.
	leastData = 16
	// mostContinuations is how many frames a head may have besides the first one. It has 32 KiB.
	mostContinuations = 128
	// bytesPerWindow is for how many bytes of answers a client may open a window once more; mostWindow is how often, after it has
	// been sent much.
	bytesPerWindow = 1 << 10
	mostWindow     = 1 << 20
	// mostResets is how many requests a client may cancel at once besides the burst, after as many answers.
	mostResets = 1000
	// shortWait is the least time for which a client is made to wait.
	shortWait = 10 * time.Millisecond
)

// bucket is what is left of a limit. It needs the time only when it is empty.
type bucket struct {
	used int64 // of the burst; above it: the rest is owed
	at   time.Time
}

// take takes n, and reports whether there was as much.
func (b *bucket) take(l limit, n int64, now func() time.Time) bool {
	b.used += n
	if b.used <= l.burst {
		return true
	}
	t := now()
	b.give(int64(t.Sub(b.at).Seconds() * float64(l.rate)))
	b.at = t
	return b.used <= l.burst
}

// give gives n back.
func (b *bucket) give(n int64) {
	if b.used > 0 {
		b.used = max(b.used-max(n, 0), 0)
	}
}

// earn is give for work that a client may use later: what it answers to can have been sent long before. At most most is kept
// besides the burst.
func (b *bucket) earn(n, most int64) { b.used = max(b.used-n, -most) }

// wait is how long it takes until what is owed has come.
func (b *bucket) wait(l limit) time.Duration {
	owed := max(b.used-l.burst, 0)
	return max(time.Duration(float64(owed)/float64(l.rate)*float64(time.Second)), shortWait)
}

// tally is what a connection has done besides the frames of its client.
type tally struct {
	data      atomic.Int64 // frames of DATA that were sent
	bytes     atomic.Int64 // of those frames
	answered  atomic.Int64 // handlers that returned before the end of their stream
	cancelled atomic.Int64 // handlers that returned after it
	faults    atomic.Int64 // streams that were reset because the client broke the protocol
}

// budgets are what a client may still do. It is a pure function of the frames, the tally and the
// time: budget_test.go.
type budgets struct {
	now func() time.Time

	settings, ping, resets, cancelled, faults, window, priority, empty, tiny, other bucket

	continuations int // of the present head
	seen          struct{ data, bytes, answered, cancelled, faults int64 }
}

func newBudgets(now func() time.Time) *budgets {
	b := &budgets{now: now}
	start := now()
	for _, k := range []*bucket{&b.settings, &b.ping, &b.resets, &b.cancelled, &b.faults, &b.window, &b.priority, &b.empty, &b.tiny, &b.other} {
		k.at = start
	}
	return b
}

// frame accounts for a frame of the client. why: the connection is to end, for this reason. wait:
// the client is to wait for so long.
func (b *budgets) frame(h head, t *tally) (why string, wait time.Duration) {
	switch h.kind {
	case dataFrame:
		return b.dataFrame(h)
	case headersFrame:
		b.continuations = 0
		b.window.give(2) // some clients open the window of each stream, and give it a priority
		b.priority.give(2)
		return b.outcomes(t), 0
	case continuationFrame:
		if b.continuations++; b.continuations > mostContinuations {
			return "continuation_flood", 0
		}
	case windowUpdateFrame:
		// Each frame may open two windows; Go's client does so for each 4 KiB that it reads.
		data, bytes := t.data.Load(), t.bytes.Load()
		b.window.earn(4*(data-b.seen.data)+(bytes-b.seen.bytes)/bytesPerWindow, mostWindow)
		b.seen.data, b.seen.bytes = data, bytes
		return b.unless(&b.window, limitWindow, "window_update_flood"), 0
	case rstFrame:
		if why := b.outcomes(t); why != "" {
			return why, 0
		}
		return b.unless(&b.resets, limitResets, "rapid_reset"), 0
	case settingsFrame:
		return b.unless(&b.settings, limitSettings, "settings_flood"), 0
	case pingFrame:
		return b.unless(&b.ping, limitPing, "ping_flood"), 0
	case priorityFrame, priorityUpdateFrame:
		return b.unless(&b.priority, limitPriority, "priority_flood"), 0
	default:
		return b.unless(&b.other, limitOther, "unknown_frames"), 0
	}
	return "", 0
}

func (b *budgets) unless(k *bucket, l limit, why string) string {
	if k.take(l, 1, b.now) {
		return ""
	}
	return why
}

// dataFrame accounts for a frame of DATA. Empty ones that end nothing have no use. A client that
// sends many tiny ones is slowed, because it may be a program that writes byte by byte.
func (b *budgets) dataFrame(h head) (why string, wait time.Duration) {
	switch {
	case h.length >= leastData:
		b.tiny.give(int64(h.length - leastData))
	case h.has(endStream):
	case h.length == 0:
		return b.unless(&b.empty, limitEmpty, "empty_data_flood"), 0
	case !b.tiny.take(limitTiny, int64(leastData-h.length), b.now):
		return "", b.tiny.wait(limitTiny)
	}
	return "", 0
}

// outcomes accounts for how streams have ended since the last call. An answer gives one reset back.
func (b *budgets) outcomes(t *tally) string {
	answered, cancelled, faults := t.answered.Load(), t.cancelled.Load(), t.faults.Load()
	done := answered - b.seen.answered
	b.resets.earn(done, mostResets)
	b.cancelled.earn(done, mostResets)
	cut, bad := cancelled-b.seen.cancelled, faults-b.seen.faults
	b.seen.answered, b.seen.cancelled, b.seen.faults = answered, cancelled, faults
	switch {
	case cut > 0 && !b.cancelled.take(limitResets, cut, b.now): // whichever side resets them: CVE-2025-8671
		return "cancelled_requests"
	case bad > 0 && !b.faults.take(limitFaults, bad, b.now):
		return "stream_errors"
	}
	return ""
}
