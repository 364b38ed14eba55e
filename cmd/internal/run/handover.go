package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/cmd/internal/monitor"
	"github.com/standpipe/standpipe/cmd/internal/upgrade"
)

// handover is the old process's side of an upgrade: it starts a new process, and lets it
// take over when that is ready.
type handover struct {
	product *compose.Server
	service *service
	log     *logfile.Log
	monitor *monitor.Monitor
	dir     string // of the start

	attempt *upgrade.Attempt // nil: no upgrade is in progress
}

// keptMonitor is the name of the figures of the last hour among what a new process gets.
const keptMonitor = "monitor"

// begin starts the program that is now found where this one was.
func (h *handover) begin() {
	if why := h.refusal(h.product.Config()); why != "" {
		h.log.Warn("upgrade_refused", "message", why)
		return
	}
	files, err := h.product.Listeners.Files()
	if err != nil {
		h.log.Warn("upgrade_refused", "message", "the listening sockets cannot be passed to another process: "+err.Error())
		return
	}
	o := upgrade.Options{Program: upgrade.Program(os.Args[0], h.dir, executable), Args: os.Args, Env: os.Environ(), Dir: h.dir, Limit: bootLimit(h.product.Config(), runtime.NumCPU())}
	if o.Kept, err = h.product.Keep(); err != nil {
		h.log.Warn("upgrade_refused", "message", "the certificates cannot be passed to another process: "+err.Error())
		return
	}
	if o.Kept[keptMonitor], err = h.monitor.Encode(); err != nil {
		h.log.Warn("figures_lost", "error", err)
		delete(o.Kept, keptMonitor)
	}
	for _, f := range files {
		o.Listeners = append(o.Listeners, upgrade.Listener{Address: f.Address, File: f.File})
		defer f.File.Close()
	}
	for _, p := range h.product.Pools() {
		if p.Stats().EverUp {
			o.Up = append(o.Up, p.App())
		}
	}
	a, err := upgrade.Start(o)
	if err != nil {
		h.failed(err)
		h.log.Error("upgrade_failed", "program", o.Program, "error", err, "message", "the new program could not be started; this process continues to serve")
		return
	}
	h.attempt = a
	h.product.Access.HandOver(true)
	h.log.Info("upgrade", "program", o.Program, "pid", a.Pid, "message", "a new process boots; this one serves until it is ready")
}

// executable is where the program was at the start.
var executable, _ = os.Executable()

// refusal says why there can be no upgrade now; empty: there can.
func (h *handover) refusal(cfg *config.Config) string {
	switch {
	case os.Getpid() == 1:
		return "this is PID 1: the container ends with it, so no other process can take over; start a new container instead"
	case h.attempt != nil:
		return fmt.Sprintf("an upgrade is in progress: process %d boots", h.attempt.Pid)
	}
	for i := range cfg.Apps {
		if a := &cfg.Apps[i]; a.Life.Surge.None {
			return fmt.Sprintf("app %q has surge = \"none\", and the new process would boot its workers beside these; stop standpipe and start it again instead", a.Name)
		}
	}
	return ""
}

// bootLimit is how long a new process may boot; 0: no limit. It boots a few workers at a time.
func bootLimit(cfg *config.Config, cpus int) time.Duration {
	const more = 10 * time.Second
	longest := time.Duration(0)
	for i := range cfg.Apps {
		a := &cfg.Apps[i]
		if a.Life.BootTimeout == 0 {
			return 0
		}
		atATime := max(2, cpus)
		longest = max(longest, a.Life.BootTimeout*time.Duration((max(a.Workers.Min, 1)+atATime-1)/atATime))
	}
	return longest + more
}

// done has the result of the attempt; nil: no upgrade is in progress.
func (h *handover) done() <-chan error { return h.attempt.Done() }

// conclude lets the new process take over, if err is nil. It reports whether the new process
// has done so.
func (h *handover) conclude(err error) bool {
	a := h.attempt
	if err == nil {
		h.product.Listeners.Yield()
		if err = a.TakeOver(); err == nil {
			h.service.manager.HandOver(a.Pid)
			a.Finish()
			h.attempt = nil
			h.log.Info("upgraded", "pid", a.Pid, "message", "the new process serves; this one finishes its requests")
			return true
		}
		h.product.Listeners.Reclaim()
	}
	h.attempt = nil
	h.product.Access.HandOver(false)
	pairs := []any{"error", err, "message", "this process continues to serve"}
	if f := new(upgrade.Failed); errors.As(err, &f) {
		pairs = append(pairs, "pid", f.Pid)
		if f.Output != "" {
			pairs = append(pairs, "output", f.Output)
		}
	}
	h.failed(err)
	h.log.Error("upgrade_failed", pairs...)
	return false
}

func (h *handover) failed(err error) {
	h.monitor.Mark(monitor.Mark{Kind: "upgrade_failed", Text: err.Error(), Bad: true})
}

// cancel ends a new process that has not taken over, because this one stops. wait waits for
// its end.
func (h *handover) cancel() (wait func()) {
	a := h.attempt
	if a == nil {
		return func() {}
	}
	a.Abort()
	return func() {
		if err := <-a.Done(); err == nil { // it became ready at that moment, and waits for "go"
			a.Drop()
		}
	}
}

// drain finishes the requests of this process after a new one has taken over, at most as
// long as every app allows.
func (h *handover) drain(ctx context.Context) {
	for _, p := range h.product.Pools() {
		p.Resume() // no command can reach this process any more
	}
	ctx, cancel := limited(ctx, time.Now(), drainTime(h.product.Config()))
	defer cancel()
	if err := h.product.HandOver(ctx); errors.Is(err, context.DeadlineExceeded) {
		h.log.Warn("drain_ended", "message", "requests still ran at the end of drain_timeout; their workers are told to exit")
	}
}

// drainTime is the longest drain_timeout; 0: no limit. Without apps it is graceful_timeout: an old process must not
// stay as long as there are tunnels.
func drainTime(cfg *config.Config) time.Duration {
	if len(cfg.Apps) == 0 {
		return cfg.Stop.Graceful
	}
	longest := time.Duration(0)
	for i := range cfg.Apps {
		d := cfg.Apps[i].Life.DrainTimeout
		if d == 0 {
			return 0
		}
		longest = max(longest, d)
	}
	return longest
}

// limited is ctx until d after from; 0: no limit.
func limited(ctx context.Context, from time.Time, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, from.Add(d))
}
