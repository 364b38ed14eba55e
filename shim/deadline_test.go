package shim

import (
	"testing"
	"time"
)

func TestDeadlineOver(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(1000+int64(seconds), 0) }
	for name, c := range map[string]struct {
		d      Deadline
		p      pace
		want   int // the second at which it is over
		paused bool
	}{
		"running":                      {Deadline{Kind: ToAnswer, From: at(0), Limit: 30 * time.Second}, pace{started: at(0)}, 30, false},
		"over":                         {Deadline{Kind: ToAnswer, From: at(0), Limit: 10 * time.Second}, pace{started: at(0)}, 10, false},
		"behind another request":       {Deadline{Kind: ToAnswer, From: at(0), Limit: 5 * time.Second}, pace{}, 0, true},
		"started late":                 {Deadline{Kind: ToAnswer, From: at(0), Limit: 5 * time.Second}, pace{started: at(8)}, 13, false},
		"the body moved":               {Deadline{Kind: ToAnswer, From: at(0), Limit: 5 * time.Second, Pausable: true}, pace{started: at(0), moved: at(9)}, 14, false},
		"the body does not pause it":   {Deadline{Kind: ToAnswer, From: at(0), Limit: 5 * time.Second}, pace{started: at(0), moved: at(9), starved: true}, 5, false},
		"starved":                      {Deadline{Kind: ToAnswer, From: at(0), Limit: 5 * time.Second, Pausable: true}, pace{started: at(0), moved: at(1), starved: true}, 0, true},
		"silence counts from its From": {Deadline{Kind: WithinAnswer, From: at(7), Limit: 5 * time.Second}, pace{started: at(9)}, 12, false},
		"silence while starved":        {Deadline{Kind: WithinAnswer, From: at(0), Limit: 5 * time.Second, Pausable: true}, pace{started: at(0), starved: true}, 0, true},
	} {
		got, counts := c.d.over(c.p)
		if counts == c.paused || counts && !got.Equal(at(c.want)) {
			t.Errorf("%s: over at %v, counts: %v; want second %d", name, got, counts, c.want)
		}
	}
}
