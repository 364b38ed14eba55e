package shim

import (
	"testing"
	"time"
)

func TestDeadlineLeft(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(1000+int64(seconds), 0) }
	for name, c := range map[string]struct {
		d    Deadline
		p    pace
		want int // seconds, at second 10
	}{
		"running":                      {Deadline{Kind: ToAnswer, From: at(0), Limit: 30 * time.Second}, pace{started: at(0)}, 20},
		"over":                         {Deadline{Kind: ToAnswer, From: at(0), Limit: 10 * time.Second}, pace{started: at(0)}, 0},
		"behind another request":       {Deadline{Kind: ToAnswer, From: at(0), Limit: 5 * time.Second}, pace{}, 5},
		"started late":                 {Deadline{Kind: ToAnswer, From: at(0), Limit: 5 * time.Second}, pace{started: at(8)}, 3},
		"the body moved":               {Deadline{Kind: ToAnswer, From: at(0), Limit: 5 * time.Second, Pausable: true}, pace{started: at(0), moved: at(9)}, 4},
		"the body does not pause it":   {Deadline{Kind: ToAnswer, From: at(0), Limit: 5 * time.Second}, pace{started: at(0), moved: at(9), starved: true}, -5},
		"starved":                      {Deadline{Kind: ToAnswer, From: at(0), Limit: 5 * time.Second, Pausable: true}, pace{started: at(0), moved: at(1), starved: true}, 5},
		"silence counts from its From": {Deadline{Kind: WithinAnswer, From: at(7), Limit: 5 * time.Second}, pace{started: at(9)}, 2},
		"silence while starved":        {Deadline{Kind: WithinAnswer, From: at(0), Limit: 5 * time.Second, Pausable: true}, pace{started: at(0), starved: true}, 5},
	} {
		if got := c.d.left(at(10), c.p); got != time.Duration(c.want)*time.Second {
			t.Errorf("%s: %v left, want %d s", name, got, c.want)
		}
	}
}
