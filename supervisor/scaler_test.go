package supervisor

import (
	"testing"
	"time"
)

func TestScaler(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(d time.Duration, l load) load {
		l.now, l.workers, l.limit = start.Add(d), 2, 8
		if l.idleSince.IsZero() {
			l.idleSince = l.now
		}
		return l
	}
	for name, c := range map[string]struct {
		loads []load
		want  int
	}{
		"nothing waits":             {[]load{at(0, load{size: 2, able: 2, needed: 2})}, 2},
		"one waits a moment":        {[]load{at(0, load{size: 2, able: 2, needed: 3, waiting: 1, oldest: growAfter / 2})}, 2},
		"one waits":                 {[]load{at(0, load{size: 2, able: 2, needed: 3, waiting: 1, oldest: growAfter})}, 3},
		"many wait":                 {[]load{at(0, load{size: 3, able: 3, needed: 30, waiting: 27, oldest: growAfter})}, 6},
		"the most":                  {[]load{at(0, load{size: 7, able: 7, needed: 30, waiting: 23, oldest: growAfter})}, 8},
		"one boots":                 {[]load{at(0, load{size: 3, able: 2, needed: 30, waiting: 27, oldest: growAfter})}, 3},
		"a pause":                   {[]load{at(0, load{size: 2, able: 2, needed: 3, waiting: 1, oldest: time.Hour, paused: true})}, 2},
		"fewer were needed":         {[]load{at(0, load{size: 4, able: 4, needed: 1}), at(shrinkAfter, load{size: 4, able: 4, needed: 1})}, 3},
		"... not for long enough":   {[]load{at(0, load{size: 4, able: 4, needed: 1}), at(shrinkAfter-1, load{size: 4, able: 4, needed: 1})}, 4},
		"... but for a moment":      {[]load{at(0, load{size: 4, able: 4, needed: 1}), at(1, load{size: 4, able: 4, highest: 4}), at(shrinkAfter, load{size: 4, able: 4, needed: 1})}, 4},
		"not below the least":       {[]load{at(0, load{size: 2, able: 2}), at(shrinkAfter, load{size: 2, able: 2})}, 2},
		"idle":                      {[]load{at(time.Hour, load{size: 2, able: 2, idleStop: time.Minute, idleSince: start})}, 0},
		"idle, and one boots":       {[]load{at(time.Hour, load{size: 2, able: 1, idleStop: time.Minute, idleSince: start})}, 2},
		"idle, and a request waits": {[]load{at(time.Hour, load{size: 2, able: 2, needed: 1, idleStop: time.Minute, idleSince: start})}, 2},
	} {
		var s scaler
		size, why := 0, ""
		for _, l := range c.loads {
			size, why = s.step(l)
		}
		if last := c.loads[len(c.loads)-1]; size != c.want || (why == "") != (size == last.size) {
			t.Errorf("%s: %d slots (%s), want %d", name, size, why, c.want)
		}
	}
}
