package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/devreload"
	"github.com/standpipe/standpipe/cmd/internal/errorlog"
	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/journal"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/cmd/internal/metrics"
	"github.com/standpipe/standpipe/cmd/internal/systemd"
	"github.com/standpipe/standpipe/cmd/internal/upgrade"
	"github.com/standpipe/standpipe/supervisor"
)

// sameSignal: a second SIGTERM so soon after the first counts as the same one;
// some service managers send two.
const sameSignal = time.Second

// serve serves until a signal ends it.
func serve(c *cli.Context) (err error) {
	inherited, err := upgrade.Inherit()
	if err != nil {
		return exit.With(exit.Failed, err)
	}
	defer func() { inherited.Failed(err) }()
	in, problems, err := configInput(c)
	if err != nil {
		return err
	}
	// Once: a reload is to judge by whom we were started as, not by whom we have become.
	machine := config.Measure()
	in.Machine = &machine
	cfg, _, err := config.Load(in)
	if err := together(problems, err); err != nil {
		return err
	}
	endProfile, err := profile()
	if err != nil {
		return exit.With(exit.Failed, err)
	}
	defer endProfile()
	paceGC()
	if machine.Limited {
		limitMemory(machine.Memory)
	}
	reserveThreads(threadsNeeded())
	defer paceProcs()()
	// From here on a signal means a stop in order, not a death.
	signals := make(chan os.Signal, 4)
	notifyStops(signals)
	defer signal.Stop(signals)

	log, err := logfile.Open(cfg, c.App.ErrWriter)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	defer log.Close()
	for _, w := range cfg.Warnings {
		log.Warn("config", "message", w)
	}
	s := &serving{in: in, cfg: cfg, log: log, signals: signals, errOut: c.App.ErrWriter, color: colour(c.App.ErrWriter), steer: steering(), progress: journal.NewProgress(), inherited: inherited}
	if cfg.Logs.Error == "-" {
		s.errOut = log.Out // so that the order holds
	}
	s.dev = s.newDevReload()
	s.metrics = metrics.New(version, s.countedPools)
	records := journal.New(log)
	s.srv, err = compose.New(cfg, version, log, c.App.Writer, func(e supervisor.Event) {
		s.tell(records, e)
		s.progress.Event(e)
		s.failures.Event(e)
		s.dev.Event(e)
	}, s.metrics.Observe)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	if err := s.run(c.Context); err != nil {
		inherited.Failed(err)
		return s.last(err)
	}
	return nil
}

// last writes the error that ends the program. Where the log is for programs, it
// is a record like all others.
func (s *serving) last(err error) error {
	if s.log.Text || err.Error() == "" {
		return err
	}
	s.log.Error("failed", "message", err.Error(), "exit", exit.Code(err))
	return exit.Silent(exit.Code(err))
}

// serving is one run of the server.
type serving struct {
	in        config.Input   // what the configuration is made of
	cfg       *config.Config // of the start
	log       *logfile.Log
	srv       *compose.Server
	progress  *journal.Progress
	signals   chan os.Signal
	steer     chan os.Signal // signals that do not mean the end; nil: none
	unasked   unasked
	errOut    io.Writer // where people read
	color     bool      // they see colours
	control   control
	metrics   *metrics.Metrics
	metricsAt string // its own address; empty: none
	failures  admin.Failures
	stopAsked atomic.Bool        // by the command
	dev       *devreload.Watcher // nil: no app is reloaded when a file changes

	inherited *upgrade.Inheritance // nil: no other process has started this one
	attempt   *upgrade.Attempt     // the process that is to take over; nil: none
	manager   *systemd.Notifier    // nil: nobody listens
}

// run binds, starts, serves, stops. Its error carries the exit code.
func (s *serving) run(ctx context.Context) error {
	defer adopt()()
	if s.inherited == nil {
		defer s.speak(ctx)()
		s.manager.Starting()
	} else {
		s.srv.Inherit(s.inherited.Take)
	}
	if err := s.srv.Listen(ctx); err != nil {
		if errors.As(err, new(*listen.ListenError)) {
			return exit.With(exit.Address, err)
		}
		return err
	}
	defer s.closeControl()
	if s.inherited == nil {
		if err := s.openControl(ctx); err != nil {
			s.stop(ctx)
			return err
		}
	}
	for _, a := range s.srv.Addresses() {
		s.record("listening", "address", a)
	}
	if err := s.srv.Prepare(); err != nil {
		s.stop(ctx)
		return exit.With(exit.Usage, err)
	}
	s.warn()
	s.srv.Start()
	if s.inherited == nil {
		s.srv.Accept()
	}
	sig, err := s.start()
	if s.inherited != nil && err == nil && sig == nil {
		if sig, err = s.takeOver(); err == nil && sig == nil {
			defer s.speak(ctx)()
			s.manager.Ready()
			s.takeControl(ctx)
		}
	}
	if s.dev != nil && exit.Code(err) == exit.NotBooted {
		s.log.Warn("not_booted", "message", "no app has started; repair the code, and it is tried again")
		err = nil
	}
	if err != nil {
		s.stop(ctx)
		return err
	}
	if sig != nil {
		return s.shutdown(ctx, sig)
	}
	unwatch := s.watchFiles(ctx)
	defer unwatch()
	for {
		select {
		case sig := <-s.signals:
			return s.shutdown(ctx, sig)
		case <-s.srv.HelperGone():
			return s.helperGone(ctx)
		case sig := <-s.steer:
			s.steered(sig)
		case err := <-s.attempt.Done():
			if s.replaced(err) {
				unwatch()
				return s.retire(ctx)
			}
		}
	}
}

// record writes a log record that the banner says to people.
func (s *serving) record(event string, pairs ...any) {
	if !s.log.Text {
		s.log.Info(event, pairs...)
	}
}

// warn says what is legal and probably not meant.
func (s *serving) warn() {
	if os.Geteuid() == 0 && s.cfg.Account.User == "" {
		s.log.Warn("root", "message", "standpipe serves as root, and so do the apps; --user NAME gives root up once the addresses are open, --user root silences this")
	}
	loopback := true
	for _, a := range s.srv.Addresses() {
		loopback = loopback && (strings.Contains(a, "://127.") || strings.Contains(a, "://[::1]"))
	}
	if loopback && compose.InContainer() {
		a := s.srv.Addresses()[0]
		s.log.Warn("loopback_in_container", "message", "only this container can connect; -b 0.0.0.0"+a[strings.LastIndexByte(a, ':'):]+" lets others in")
	}
}

// patience is how long the start waits for an app's further workers once its
// first one is ready.
const patience = 5 * time.Second

// start waits until every app is up or has failed, and tells of it. It returns a
// signal that came meanwhile, or an error with exit code 3 when no app came up.
func (s *serving) start() (os.Signal, error) {
	var late <-chan time.Time
	told := map[string]bool{}
	ready := false
	for {
		waiting, up, undecided := 0, 0, 0
		for _, p := range s.srv.Pools() {
			st := s.progress.Of(p.App())
			if st.Ready == nil && !isClosed(p.Down()) {
				undecided++
			}
			if st.Ready == nil && !isClosed(p.Down()) || st.Ready != nil && st.Count < st.Of && !st.Failed {
				waiting++
			}
			if st.Ready != nil {
				up++
				if st.Count == st.Of && !told[p.App()] {
					told[p.App()] = true
					s.tellReady(p.App(), st)
				}
			}
		}
		if undecided == 0 && up > 0 && !ready { // each app serves, or cannot
			ready = true
			s.manager.Ready()
		}
		if waiting == 0 {
			return nil, s.started(up, told)
		}
		// Who takes over from another process does so with all workers.
		if up == len(s.srv.Pools()) && late == nil && s.inherited == nil {
			late = time.After(patience)
		}
		select {
		case <-s.progress.Changed():
		case <-late:
			return nil, s.started(up, told)
		case sig := <-s.signals:
			return sig, nil
		}
	}
}

// started tells what came up, or returns the error when nothing did.
func (s *serving) started(up int, told map[string]bool) error {
	if up == 0 || s.misses() {
		return s.notBooted()
	}
	for _, p := range s.srv.Pools() {
		if st := s.progress.Of(p.App()); st.Ready != nil && !told[p.App()] {
			s.tellReady(p.App(), st)
		}
	}
	s.record("serving", "apps", len(s.srv.Pools()), "up", up)
	if s.log.Text {
		s.banner()
	}
	return nil
}

func (s *serving) tellReady(app string, st journal.Start) {
	found := st.Ready.How
	for i := range s.cfg.Apps {
		if a := &s.cfg.Apps[i]; a.Name == app && found == "" {
			found = a.How
		}
	}
	pairs := []any{"app", app, "loaded", st.Ready.Found, "how", found, "framework", st.Ready.Framework,
		"workers", errorlog.Of{N: st.Count, Of: st.Of}, "took", st.Took}
	if st.Hello != nil {
		pairs = append(pairs, "python", st.Hello.Python, "executable", st.Hello.Executable)
	}
	s.record("app_ready", pairs...)
}

// notBooted is one sentence for each app that did not start; the log has the
// tracebacks.
func (s *serving) notBooted() error {
	var sentences []string
	for _, p := range s.srv.Pools() {
		if f := p.Failure(); f != nil {
			sentences = append(sentences, journal.Sentence(f))
		}
	}
	return exit.With(exit.NotBooted, errors.New(strings.Join(sentences, "\nstandpipe: ")))
}

// shutdown is the stop budget: everything from the first signal to the exit fits
// into stop_timeout. First standpipe goes on serving for shutdown_delay while
// readiness says no; then no connection is taken and requests finish; then the
// workers are told to leave, and killed. A second signal ends it all at once.
func (s *serving) shutdown(ctx context.Context, first os.Signal) error {
	began := time.Now()
	// The last resort: a log that nobody reads, or a process that SIGKILL does not
	// end, must not hold the exit. The life pipes end the workers.
	last := time.AfterFunc(1<<62, func() { os.Exit(exit.Failed) })
	defer last.Stop()
	if s.srv.Config().Stop.Timeout > 0 {
		last.Reset(s.srv.Config().Stop.Timeout + lastResort)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() { // ends with the stop, which the loop below waits for
		defer close(done)
		s.srv.Stopping()
		s.manager.Stopping()
		defer s.giveUp()()
		s.log.Info("stopping", "signal", first.String(), "budget", s.srv.Config().Stop.Timeout)
		select {
		case <-time.After(s.srv.Config().Stop.Delay):
		case <-ctx.Done():
		}
		drain, cancelDrain := limited(ctx, began.Add(s.srv.Config().Stop.Delay), s.srv.Config().Stop.Graceful)
		if err := s.srv.Drain(drain); err != nil && ctx.Err() == nil {
			s.log.Warn("drain_ended", "message", "requests still ran at the end of graceful_timeout; their workers are told to leave")
		}
		cancelDrain()
		end, cancelEnd := limited(ctx, began, s.srv.Config().Stop.Timeout)
		defer cancelEnd()
		s.srv.Stop(end)
		s.tellSurvivors()
	}()
	for {
		select {
		case <-done:
			s.log.Info("stopped", "took", time.Since(began))
			return nil
		case sig := <-s.signals:
			if sig == syscall.SIGTERM && sig == first && time.Since(began) < sameSignal {
				continue
			}
			last.Reset(lastResort)
			cancel()
			s.srv.Kill()
			s.log.Warn("stopped_at_once", "signal", sig.String())
			<-done
			return exit.Silent(exit.Interrupted)
		}
	}
}

// lastResort is how long the end of a stop may take once all is killed.
const lastResort = 2 * time.Second

// stop ends what a failed start has left.
func (s *serving) stop(ctx context.Context) {
	ctx, cancel := limited(ctx, time.Now(), s.srv.Config().Stop.Timeout)
	defer cancel()
	s.srv.Stop(ctx)
}

// limited is ctx until d after from; 0: no limit.
func limited(ctx context.Context, from time.Time, d time.Duration) (context.Context, context.CancelFunc) {
	if d == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, from.Add(d))
}
