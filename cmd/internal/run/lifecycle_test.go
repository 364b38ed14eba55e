package run

import (
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/exit"
)

func (p phase) String() string { return [...]string{"starting", "serving", "draining", "stopped"}[p] }

func (a action) String() string {
	return [...]string{"enterService", "startWatching", "stopWatching", "obeySignal", "concludeAttempt", "handOver", "stopInOrder", "killAll", "abandon", "retire", "reportStopped"}[a]
}

func TestLifecycle(t *testing.T) {
	t0 := time.Unix(1e9, 0)
	failed := exit.With(exit.NotBooted, errors.New("no app"))
	term := func(after time.Duration) event {
		return event{kind: stopSignal, sig: syscall.SIGTERM, at: t0.Add(after)}
	}
	interrupt := event{kind: stopSignal, sig: os.Interrupt, at: t0}
	up := []event{{kind: booted}, {kind: entered}}
	for name, c := range map[string]struct {
		events []event
		want   []action // of all events
		phase  phase
		code   int
	}{
		"boots":                      {up[:1], []action{enterService}, starting, 0},
		"serves":                     {up, []action{enterService, startWatching}, serving, 0},
		"no app starts":              {[]event{{kind: booted, err: failed}}, []action{abandon}, stopped, exit.NotBooted},
		"the old process refuses":    {[]event{{kind: booted}, {kind: entered, err: errors.New("no")}}, []action{enterService, abandon}, stopped, exit.Failed},
		"a signal during the boot":   {[]event{term(0)}, []action{stopInOrder}, draining, 0},
		"a boot that ends too late":  {[]event{term(0), {kind: booted, err: failed}, {kind: entered}}, []action{stopInOrder}, draining, 0},
		"a stop":                     {append(slices.Clone(up), term(0), event{kind: halted}), []action{enterService, startWatching, stopWatching, stopInOrder, reportStopped}, stopped, 0},
		"the same signal at once":    {append(slices.Clone(up), term(0), term(sameSignal-1)), []action{enterService, startWatching, stopWatching, stopInOrder}, draining, 0},
		"the same signal later":      {append(slices.Clone(up), term(0), term(sameSignal), event{kind: halted}), []action{enterService, startWatching, stopWatching, stopInOrder, killAll}, stopped, exit.Interrupted},
		"two interrupts":             {append(slices.Clone(up), interrupt, interrupt, interrupt), []action{enterService, startWatching, stopWatching, stopInOrder, killAll}, draining, exit.Interrupted},
		"another signal at once":     {append(slices.Clone(up), interrupt, term(0)), []action{enterService, startWatching, stopWatching, stopInOrder, killAll}, draining, exit.Interrupted},
		"a control signal":           {append(slices.Clone(up), event{kind: controlSignal, sig: syscall.SIGHUP}), []action{enterService, startWatching, obeySignal}, serving, 0},
		"a control signal too late":  {append(slices.Clone(up), term(0), event{kind: controlSignal, sig: syscall.SIGHUP}), []action{enterService, startWatching, stopWatching, stopInOrder}, draining, 0},
		"the helper ends":            {append(slices.Clone(up), event{kind: helperEnded, at: t0}, event{kind: halted}), []action{enterService, startWatching, stopWatching, stopInOrder, reportStopped}, stopped, exit.Failed},
		"the helper ends, a signal":  {append(slices.Clone(up), event{kind: helperEnded, at: t0}, term(0)), []action{enterService, startWatching, stopWatching, stopInOrder, killAll}, draining, exit.Interrupted},
		"an upgrade that fails":      {append(slices.Clone(up), event{kind: attempted, err: failed}), []action{enterService, startWatching, concludeAttempt}, serving, 0},
		"an upgrade":                 {append(slices.Clone(up), event{kind: attempted}, event{kind: superseded}, event{kind: drained}), []action{enterService, startWatching, concludeAttempt, stopWatching, handOver, retire}, stopped, 0},
		"a signal after an upgrade":  {append(slices.Clone(up), event{kind: superseded}, term(0), event{kind: drained}, event{kind: halted}), []action{enterService, startWatching, stopWatching, handOver, stopInOrder, reportStopped}, stopped, 0},
		"two signals after upgrade":  {append(slices.Clone(up), event{kind: superseded}, interrupt, interrupt), []action{enterService, startWatching, stopWatching, handOver, stopInOrder, killAll}, draining, exit.Interrupted},
		"nothing after the end":      {[]event{{kind: booted, err: failed}, term(0), {kind: booted}, {kind: halted}}, []action{abandon}, stopped, exit.NotBooted},
		"an upgrade beside a stop":   {append(slices.Clone(up), term(0), event{kind: attempted}, event{kind: superseded}), []action{enterService, startWatching, stopWatching, stopInOrder}, draining, 0},
		"the helper ends in a drain": {append(slices.Clone(up), term(0), event{kind: helperEnded}), []action{enterService, startWatching, stopWatching, stopInOrder}, draining, 0},
	} {
		l := &lifecycle{}
		var got []action
		for _, e := range c.events {
			got = append(got, l.step(e)...)
		}
		if !slices.Equal(got, c.want) || l.phase != c.phase || exit.Code(l.err) != c.code {
			t.Errorf("%s: %v, %s, exit %d\nwant %v, %s, exit %d", name, got, l.phase, exit.Code(l.err), c.want, c.phase, c.code)
		}
	}
}
