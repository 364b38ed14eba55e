package run

import (
	"context"
	"os"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/debugger"
	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
)

// stopper stops the server within its budget: everything from the first signal to the exit
// fits into stop_timeout. At first the server continues to serve for shutdown_delay while
// readiness says no; then no connection is accepted and requests finish; then the workers
// are told to exit, and killed.
type stopper struct {
	product  *compose.Server
	service  *service
	handover *handover
	terminal *debugger.Terminal // nil: debuggers have none
	log      *logfile.Log

	cancel context.CancelFunc // cuts the stop short
	last   *time.Timer        // the last resort
}

// lastResort is how long the end of a stop may take once all workers are killed. It is longer than a busy machine stands still: a stop
// that it cuts off counts as failed. With the default of stop_timeout it ends as Kubernetes' 30 s do.
const lastResort = 5 * time.Second

// begin starts the timer of last resort: a log whose reader is stuck, or a process that
// SIGKILL does not end, must not hold the exit. The workers end when their life pipes close.
func (s *stopper) begin(ctx context.Context, cfg *config.Config) context.Context {
	s.last = time.AfterFunc(1<<62, func() { os.Exit(exit.Failed) })
	if cfg.Stop.Timeout > 0 {
		s.last.Reset(cfg.Stop.Timeout + lastResort)
	}
	ctx, s.cancel = context.WithCancel(ctx)
	return ctx
}

// run stops everything, and returns when all processes and connections have ended.
func (s *stopper) run(ctx context.Context, sig os.Signal, began time.Time) {
	cfg := s.product.Config()
	s.product.Stopping()
	s.service.manager.Stopping()
	defer s.handover.cancel()()
	s.log.Info("stopping", "signal", sig.String(), "budget", cfg.Stop.Timeout)
	select {
	case <-time.After(cfg.Stop.Delay):
	case <-ctx.Done():
	}
	graceful := cfg.Stop.Graceful
	if s.terminal.Busy() { // no person is to be waited for
		graceful = 1
	}
	s.terminal.Stop()
	drain, cancel := limited(ctx, began.Add(cfg.Stop.Delay), graceful)
	if err := s.product.Drain(drain); err != nil && ctx.Err() == nil {
		s.log.Warn("drain_ended", "message", "requests still ran at the end of graceful_timeout; their workers are told to exit")
	}
	cancel()
	end, cancel := limited(ctx, began, cfg.Stop.Timeout)
	defer cancel()
	s.product.Stop(end)
	tellSurvivors(s.log)
}

// kill cuts the stop short, because a second signal has come.
func (s *stopper) kill(sig os.Signal) {
	s.last.Reset(lastResort)
	s.cancel()
	s.product.Kill()
	s.log.Warn("stopped_at_once", "signal", sig.String())
}

// end stops the timer.
func (s *stopper) end() {
	if s.last != nil {
		s.last.Stop()
		s.cancel()
	}
}

// abandon ends the workers without a drain: of a failed start, or after another process has
// taken over.
func (s *stopper) abandon(ctx context.Context) {
	ctx, cancel := limited(ctx, time.Now(), s.product.Config().Stop.Timeout)
	defer cancel()
	s.product.Stop(ctx)
}
