package supervisor

import "testing"

func TestReconcile(t *testing.T) {
	old, now := &generation{number: 1}, &generation{number: 2}
	stops := &generation{number: 3, Options: Options{StopFirst: true}}
	boots := func(g *generation) *occupant { return &occupant{gen: g} }
	serves := func(g *generation) *occupant { return &occupant{gen: g, ready: true} }
	leaves := func(g *generation) *occupant { return &occupant{gen: g, ready: true, leaves: true} }
	same := desired{target: old, serving: old}
	reload := desired{target: now, serving: old}
	due := desired{target: old, serving: old, due: MaxRSS}
	first := desired{target: stops, serving: stops}
	for name, c := range map[string]struct {
		have observed
		want desired
		do   slotAction
	}{
		"an empty slot":                          {observed{}, same, slotAction{do: start, gen: old}},
		"an empty slot rests":                    {observed{resting: true}, same, slotAction{do: stay}},
		"a reload has no claim on an empty slot": {observed{}, reload, slotAction{do: start, gen: old}},
		"it serves":                              {observed{current: serves(old)}, same, slotAction{do: stay}},
		"it boots":                               {observed{current: boots(old)}, same, slotAction{do: stay}},
		"a reload":                               {observed{current: serves(old)}, reload, slotAction{do: startNext, gen: now}},
		"a reload of a boot":                     {observed{current: boots(old)}, reload, slotAction{do: startNext, gen: now}},
		"a reload is under way":                  {observed{current: serves(old), next: boots(now)}, reload, slotAction{do: stay}},
		"a boot of neither generation":           {observed{current: boots(now)}, same, slotAction{do: dropCurrent, why: Reload}},
		"a reload that was given up":             {observed{current: serves(old), next: boots(now)}, same, slotAction{do: dropNext, why: Reload}},
		"it is due":                              {observed{current: serves(old)}, due, slotAction{do: startNext, gen: old}},
		"one that boots is not due":              {observed{current: boots(old)}, due, slotAction{do: stay}},
		"its replacement boots":                  {observed{current: serves(old), next: boots(old)}, due, slotAction{do: stay}},
		"it leaves by itself":                    {observed{current: leaves(old)}, same, slotAction{do: startNext, gen: old}},
		"stop first: an empty slot":              {observed{}, first, slotAction{do: start, gen: stops}},
		"stop first: one still leaves":           {observed{leaving: 1}, first, slotAction{do: stay}},
		"stop first: it rests":                   {observed{resting: true}, first, slotAction{do: stay}},
		"stop first: a reload":                   {observed{current: serves(old)}, first, slotAction{do: retireBoth, why: Reload}},
		"stop first: it is due":                  {observed{current: serves(stops)}, desired{target: stops, serving: stops, due: Restart}, slotAction{do: retireBoth, why: Restart}},
		"stop first: it leaves by itself":        {observed{current: leaves(stops)}, first, slotAction{do: stay}},
		"closed":                                 {observed{current: serves(old), next: boots(now)}, desired{target: now, serving: old, closing: ScaleDown}, slotAction{do: retireBoth, why: ScaleDown}},
		"closed: one still leaves":               {observed{leaving: 1}, desired{target: old, serving: old, closing: Shutdown}, slotAction{do: retireBoth, why: Shutdown}},
		"closed: all have ended":                 {observed{resting: true}, desired{target: old, serving: old, closing: Shutdown}, slotAction{do: finish}},
	} {
		if got := reconcile(c.have, c.want); got != c.do {
			t.Errorf("%s: %+v, want %+v", name, got, c.do)
		}
	}
}
