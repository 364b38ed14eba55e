package supervisor

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
)

var errSome = errors.New("any error")

// A life of one process, without a process: events go in, actions come out.
func TestMachine(t *testing.T) {
	now := time.Unix(1000, 0)
	usual := rules{what: "the worker", bootTimeout: time.Minute, drainLimit: 30 * time.Second, drainGrace: 5 * time.Second,
		interruptGrace: time.Second, termGrace: 2 * time.Second, deathSoon: 2 * time.Second}
	forks := usual
	forks.what, forks.killsBoot = "the template", true
	warms := usual
	warms.warms = true

	hello, ready := &wire.Hello{Hash: "h"}, &wire.Ready{}
	failed := &wire.Failed{}
	gone := errors.New("EOF")
	timeOver := expiry{cause: shim.TimeOver}
	noBoot := []action{disarm{bootTimer}, disarm{bootTickTimer}}
	stop := []action{sendStop{}, withdraw{}}
	idle, busy := view{now: now}, view{now: now, inFlight: 2, wanted: 2}
	debugged := view{now: now.Add(time.Hour), inFlight: 1, wanted: 1, debugging: true}
	resumed := view{now: now.Add(time.Hour), inFlight: 1, wanted: 1}
	type step struct {
		v    view
		e    event
		want []action
	}
	boots := []step{{idle, greeted{hello}, []action{greet{hello}, sendBoot{}}}}
	serves := append(boots, step{idle, importDone{ready}, append(noBoot[:2:2], arm{ageTimer, 0}, serve{ready})})
	at := func(before []step, more ...step) []step { return append(before[:len(before):len(before)], more...) }
	and := func(lists ...[]action) (all []action) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	for name, c := range map[string]struct {
		rules  rules
		steps  []step
		state  State
		reason Reason
		err    error // errors.Is; errSome: any; nil: none
	}{
		"a boot":                        {usual, serves, Serving, None, nil},
		"Hello twice":                   {usual, at(boots, step{idle, greeted{hello}, nil}), Booting, None, nil},
		"Ready before Hello":            {usual, []step{{idle, importDone{ready}, nil}}, Starting, None, nil},
		"another shim":                  {rules{hash: "other"}, []step{{idle, greeted{hello}, and(noBoot, stop)}}, Stopping, ProtocolError, errSome},
		"the app cannot be imported":    {usual, at(boots, step{idle, bootRefused{failed}, and(noBoot, stop)}, step{idle, withdrawn{}, []action{closeRequests{}, arm{stepTimer, leaveByItself}}}, step{idle, stepDue{}, []action{terminate{}, arm{stepTimer, 2 * time.Second}}}, step{idle, stepDue{}, []action{kill{}}}), Killing, BootFailed, nil},
		"a template that fails":         {forks, at(boots, step{idle, bootRefused{failed}, and(noBoot, []action{arm{stepTimer, 2 * time.Second}})}, step{idle, stepDue{}, []action{kill{}}}), Killing, BootFailed, nil},
		"the boot hangs":                {usual, at(boots, step{idle, bootOverdue{}, and([]action{takeStacks{of: bootStacks}}, noBoot, stop)}), Stopping, BootTimeout, errSome},
		"a template hangs":              {forks, at(boots, step{idle, bootOverdue{}, and([]action{takeStacks{of: bootStacks}}, noBoot, []action{kill{}})}), Killing, BootTimeout, errSome},
		"a warmup":                      {warms, at(boots, step{idle, importDone{ready}, []action{warmUp{}}}, step{idle, warmupDone{}, and(noBoot, []action{arm{ageTimer, 0}, serve{ready}})}), Serving, None, nil},
		"a warmup that fails":           {warms, at(boots, step{idle, importDone{ready}, []action{warmUp{}}}, step{idle, warmupDone{gone}, and(noBoot, stop)}), Stopping, BootFailed, gone},
		"a death during the warmup":     {warms, at(boots, step{idle, importDone{ready}, []action{warmUp{}}}, step{idle, warmupDone{shim.ErrWorkerGone}, []action{arm{deathTimer, 2 * time.Second}}}), Booting, None, shim.ErrWorkerGone},
		"pipes end, and it lives":       {usual, at(serves, step{idle, pipesBroken{gone}, []action{arm{deathTimer, 2 * time.Second}}}, step{idle, stillAlive{}, and(noBoot, stop, []action{announce{ProtocolError}})}), Stopping, ProtocolError, gone},
		"pipes end on the way out":      {usual, at(serves, step{idle, retire{Shutdown}, and(stop, []action{announce{Shutdown}})}, step{idle, pipesBroken{gone}, []action{arm{deathTimer, 2 * time.Second}}}, step{idle, stillAlive{}, nil}), Stopping, Shutdown, nil},
		"it breaks the protocol":        {usual, at(serves, step{busy, pipesBroken{&wire.ProtocolError{}}, and(noBoot, stop, []action{announce{ProtocolError}})}, step{busy, withdrawn{}, []action{terminate{}, arm{stepTimer, 2 * time.Second}}}), Stopping, ProtocolError, errSome},
		"a reload while it is idle":     {usual, at(serves, step{idle, retire{Reload}, []action{withdraw{}, announce{Reload}}}, step{idle, withdrawn{}, stop}, step{idle, withdrawn{}, []action{closeRequests{}, arm{stepTimer, 30 * time.Second}}}), Stopping, Reload, nil},
		"a reload while it runs":        {usual, at(serves, step{busy, retire{Reload}, []action{withdraw{}, announce{Reload}}}, step{busy, withdrawn{}, []action{arm{stepTimer, 30 * time.Second}}}, step{busy, freed{}, []action{arm{stepTimer, 30 * time.Second}}}, step{idle, freed{}, stop}), Stopping, Reload, nil},
		"a drain without an end":        {usual, at(serves, step{busy, retire{Reload}, []action{withdraw{}, announce{Reload}}}, step{view{now: now.Add(time.Minute), inFlight: 1, wanted: 1}, stepDue{}, stop}), Stopping, Reload, nil},
		"a stop in a drain":             {usual, at(serves, step{busy, retire{Reload}, []action{withdraw{}, announce{Reload}}}, step{busy, retire{Shutdown}, stop}), Stopping, Reload, nil},
		"exit hooks in a stop":          {usual, at(serves, step{idle, retire{Shutdown}, and(stop, []action{announce{Shutdown}})}, step{view{now: now, stopping: true, stopEnd: now.Add(7 * time.Second)}, withdrawn{}, []action{closeRequests{}, arm{stepTimer, 7 * time.Second}}}), Stopping, Shutdown, nil},
		"exit hooks without an end":     {usual, at(serves, step{idle, retire{Shutdown}, and(stop, []action{announce{Shutdown}})}, step{view{now: now, stopping: true}, withdrawn{}, []action{closeRequests{}, disarm{stepTimer}}}), Stopping, Shutdown, nil},
		"late in its exit hooks":        {usual, at(serves, step{idle, retire{Shutdown}, and(stop, []action{announce{Shutdown}})}, step{idle, stepDue{}, []action{terminate{}, arm{stepTimer, 2 * time.Second}}}, step{idle, stepDue{}, []action{takeStacks{of: lastStacks, doomed: true}, kill{}}}, step{idle, stepDue{}, nil}), Killing, Shutdown, errSome},
		"late with a request":           {usual, at(serves, step{busy, retire{Shutdown}, and(stop, []action{announce{Shutdown}})}, step{busy, withdrawn{}, []action{terminate{}, arm{stepTimer, 2 * time.Second}}}, step{busy, stepDue{}, []action{takeStacks{of: lastStacks, doomed: true}, kill{}}}), Killing, Shutdown, errSome},
		"a request ends in a stop":      {usual, at(serves, step{busy, retire{Shutdown}, and(stop, []action{announce{Shutdown}})}, step{busy, withdrawn{}, []action{terminate{}, arm{stepTimer, 2 * time.Second}}}, step{idle, freed{}, []action{closeRequests{}, arm{stepTimer, 32 * time.Second}}}), Stopping, Shutdown, nil},
		"a template ends":               {forks, at(serves, step{idle, retire{Reload}, []action{withdraw{}, announce{Reload}}}, step{idle, withdrawn{}, stop}, step{idle, withdrawn{}, []action{closeRequests{}, arm{stepTimer, 30 * time.Second}}}, step{idle, stepDue{}, []action{terminate{}, arm{stepTimer, 2 * time.Second}}}, step{idle, stepDue{}, []action{kill{}}}), Killing, Reload, errSome},
		"a template is left in a boot":  {forks, at(boots, step{idle, retire{Reload}, and(noBoot, []action{kill{}})}), Killing, Reload, nil},
		"a request's time is over":      {usual, at(serves, step{busy, timeOver, []action{reportExpired{timeOver}, interrupt{timeOver}}}, step{busy, interrupted{shim.TimeOver}, []action{withdraw{}, announce{RequestTimeout}}}, step{busy, withdrawn{}, []action{arm{stepTimer, 5 * time.Second}}}, step{view{now: now, inFlight: 1}, freed{}, []action{arm{stepTimer, time.Second}}}), Draining, RequestTimeout, nil},
		"another one's is over, too":    {usual, at(serves, step{busy, interrupted{shim.TimeOver}, []action{withdraw{}, announce{RequestTimeout}}}, step{view{now: now.Add(4 * time.Second), inFlight: 2}, interrupted{shim.TimeOver}, []action{arm{stepTimer, time.Second}}}), Draining, RequestTimeout, nil},
		"too large":                     {usual, at(serves, step{busy, tooLarge{300 << 20, 200 << 20}, []action{takeStacks{of: lastStacks}, withdraw{}, kill{}, announce{HardRSS}}}, step{busy, withdrawn{}, nil}), Killing, HardRSS, errSome},
		"too large while it boots":      {usual, at(boots, step{idle, tooLarge{2, 1}, nil}), Booting, None, nil},
		"too old":                       {usual, at(serves, step{busy, aged{}, []action{replaceMe{MaxLifetime}}}), Serving, None, nil},
		"killed at once":                {usual, at(boots, step{idle, killOrder{}, and(noBoot, []action{kill{}})}), Killing, Shutdown, nil},
		"a kill of one that leaves":     {usual, at(serves, step{idle, retire{Restart}, []action{withdraw{}, announce{Restart}}}, step{idle, killOrder{}, and(noBoot, []action{kill{}})}, step{idle, withdrawn{}, nil}), Killing, Restart, nil},
		"a stop during the boot":        {usual, at(boots, step{idle, retire{Shutdown}, and(noBoot, stop)}, step{idle, withdrawn{}, []action{closeRequests{}, arm{stepTimer, leaveByItself}}}), Stopping, Shutdown, nil},
		"it lingers":                    {rules{bootTick: time.Second}, at(boots, step{idle, retire{Shutdown}, and(noBoot, []action{arm{lingerTimer, time.Second}}, stop)}, step{idle, lingered{}, []action{arm{lingerTimer, time.Second}, reportLinger{}}}), Stopping, Shutdown, nil},
		"a boot is looked at":           {rules{bootTick: time.Second}, at(boots, step{idle, bootTicked{}, []action{arm{bootTickTimer, time.Second}, reportBoot{}}}), Booting, None, nil},
		"Failed after it was told":      {usual, at(boots, step{idle, retire{Shutdown}, and(noBoot, stop)}, step{idle, bootRefused{failed}, nil}), Stopping, Shutdown, nil},
		"a warmup ends too late":        {warms, at(boots, step{idle, importDone{ready}, []action{warmUp{}}}, step{idle, retire{Reload}, and(noBoot, stop)}, step{idle, warmupDone{}, nil}), Stopping, Reload, nil},
		"a debugger in the boot":        {usual, at(boots, step{debugged, bootOverdue{}, nil}, step{debugged, debugOver{}, nil}, step{idle, debugOver{}, []action{arm{bootTimer, time.Minute}}}, step{idle, importDone{ready}, append(noBoot[:2:2], arm{ageTimer, 0}, serve{ready})}), Serving, None, nil},
		"a boot in a debugger waits":    {rules{bootTick: time.Second}, at(boots, step{debugged, bootTicked{}, []action{arm{bootTickTimer, time.Second}}}), Booting, None, nil},
		"a reload in a debugger":        {usual, at(serves, step{busy, retire{Reload}, []action{withdraw{}, announce{Reload}}}, step{debugged, withdrawn{}, []action{disarm{stepTimer}}}, step{resumed, debugOver{}, []action{arm{stepTimer, 30 * time.Second}}}, step{idle, freed{}, stop}), Stopping, Reload, nil},
		"a debugger without a request":  {usual, at(serves, step{idle, retire{Reload}, []action{withdraw{}, announce{Reload}}}, step{view{now: now, debugging: true}, withdrawn{}, []action{disarm{stepTimer}}}, step{idle, debugOver{}, stop}), Stopping, Reload, nil},
		"a stop in a debugger":          {usual, at(serves, step{debugged, retire{Shutdown}, and(stop, []action{announce{Shutdown}})}, step{debugged, withdrawn{}, []action{terminate{}, arm{stepTimer, 2 * time.Second}}}, step{debugged, debugOver{}, nil}), Stopping, Shutdown, nil},
		"a debugger that ends":          {usual, at(serves, step{idle, debugOver{}, nil}), Serving, None, nil},
		"a request of one that is left": {usual, at(serves, step{idle, freed{}, nil}, step{idle, withdrawn{}, nil}), Serving, None, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := machine{rules: c.rules}
			for i, s := range c.steps {
				if got := m.step(s.v, s.e); !reflect.DeepEqual(got, s.want) {
					t.Errorf("step %d, %T: %#v, want %#v", i, s.e, got, s.want)
				}
			}
			if m.state != c.state || m.reason != c.reason {
				t.Errorf("%v for %v, want %v for %v", m.state, m.reason, c.state, c.reason)
			}
			if (m.err == nil) != (c.err == nil) || c.err != errSome && !errors.Is(m.err, c.err) {
				t.Errorf("error %v, want %v", m.err, c.err)
			}
		})
	}
}

// In each state each event may come: no panic, and the state never goes back.
func TestMachineTakesEverything(t *testing.T) {
	now := time.Unix(1000, 0)
	events := []event{greeted{&wire.Hello{}}, importDone{&wire.Ready{}}, warmupDone{}, warmupDone{shim.ErrWorkerGone}, bootRefused{&wire.Failed{}},
		bootOverdue{}, bootTicked{}, pipesBroken{errors.New("x")}, pipesBroken{&wire.ProtocolError{}}, stillAlive{}, expiry{}, interrupted{shim.TimeOver},
		interrupted{}, aged{}, tooLarge{}, lingered{}, debugOver{}, withdrawn{}, freed{}, killOrder{}, stepDue{}}
	for r := None + 1; r <= Upgrade; r++ {
		events = append(events, retire{r})
	}
	for _, forks := range []bool{false, true} {
		for s := Starting; s < Exited; s++ {
			for r := None; r <= Upgrade; r++ {
				for _, load := range []int{0, 1} {
					for _, e := range events {
						m := machine{rules: rules{killsBoot: forks, bootTick: 1}, state: s, reason: r, served: s == Serving || s == Draining}
						m.step(view{now: now, inFlight: load, wanted: load}, e)
						if m.state < s {
							t.Errorf("%T in %v for %v, %d in flight: back to %v", e, s, r, load, m.state)
						}
					}
				}
			}
		}
	}
}
