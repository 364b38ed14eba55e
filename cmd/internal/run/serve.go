package run

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/cache/disk"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/upstream"
	"github.com/standpipe/standpipe/cmd/internal/acme"
	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/certs"
	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/debugger"
	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/journal"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/cmd/internal/metrics"
	"github.com/standpipe/standpipe/cmd/internal/monitor"
	"github.com/standpipe/standpipe/cmd/internal/otlp"
	"github.com/standpipe/standpipe/cmd/internal/run/tune"
	"github.com/standpipe/standpipe/cmd/internal/terminal"
	"github.com/standpipe/standpipe/cmd/internal/upgrade"
	"github.com/standpipe/standpipe/supervisor"
)

// Options are what a command line gives to the server.
type Options struct {
	Version string
	// Load reads the configuration for the machine. Its error carries the exit code.
	Load           func(machine *config.Machine) (config.Input, *config.Config, error)
	Stdout, Stderr io.Writer
}

// processStarted is when this process began.
var processStarted = time.Now()

// Serve serves until a signal ends it. Its error carries the exit code.
func Serve(ctx context.Context, o Options) (err error) {
	inherited, err := upgrade.Inherit()
	if err != nil {
		return exit.With(exit.Failed, err)
	}
	defer func() { inherited.Failed(err) }()
	// Measured once: a reload decides by the user that started us, not by the one that we have become.
	machine := config.Measure()
	in, cfg, err := o.Load(&machine)
	if err != nil {
		return err
	}
	endProfile, err := tune.Profile()
	if err != nil {
		return exit.With(exit.Failed, err)
	}
	defer endProfile()
	limit := int64(0)
	if machine.Limited {
		limit = machine.Memory
	}
	tune.Start(limit, tune.LoadOf(cfg))
	// From here on a signal means an orderly stop.
	stops := make(chan os.Signal, 4)
	notifyStops(stops)
	defer signal.Stop(stops)

	log, err := logfile.Open(cfg, o.Stderr)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	defer log.Close()
	log.Libraries()
	acme.Adopt(log)
	begin := keepBeginning(log)
	for _, w := range cfg.Warnings {
		log.Warn("config", "message", w)
	}
	s := &server{Options: o, in: in, cfg: cfg, log: log, stops: stops, inherited: inherited, begin: begin}
	if err := s.assemble(ctx); err != nil {
		_, _ = begin.end()
		return exit.With(exit.Usage, err)
	}
	if err := s.run(ctx); err != nil {
		inherited.Failed(err)
		return lastRecord(log, err)
	}
	return nil
}

// lastRecord writes the error that ends the program. Where programs read the log, it is a
// record like all others.
func lastRecord(log *logfile.Log, err error) error {
	if log.Text || err.Error() == "" {
		return err
	}
	log.Error("failed", "message", err.Error(), "exit", exit.Code(err))
	return exit.Silent(exit.Code(err))
}

// server assembles one run: the product, and the parts of its life. Parts know those that are
// passed to them, and none of them knows the server.
type server struct {
	Options
	in        config.Input   // what the configuration is made of
	cfg       *config.Config // of the start
	log       *logfile.Log
	stops     chan os.Signal
	inherited *upgrade.Inheritance // nil: no other process has started this one
	begin     *beginning           // nil: programs read the log
	terminal  *debugger.Terminal   // that debuggers in the workers borrow; nil: none

	product  *compose.Server
	failures admin.Failures
	progress *journal.Progress
	metrics  *metrics.Metrics
	monitor  *monitor.Monitor
	service  *service
	reloads  *reloads
	life     *life
}

// assemble makes the product and the parts. Nothing is bound and nothing runs yet.
func (s *server) assemble(ctx context.Context) (err error) {
	s.progress = journal.NewProgress()
	s.metrics = metrics.New(s.Version, func() []metrics.Pool { return poolsAs[metrics.Pool](s.product) }, func() []certs.Info { return s.product.Certificates.List() })
	s.metrics.Scanned(func() int64 { return s.product.Limits.Scanned() })
	s.metrics.Limits(func() (list []metrics.Limit) {
		for _, l := range s.product.Limits.Stats() {
			list = append(list, metrics.Limit{Name: l.Name, Allowed: l.Allowed, Delayed: l.Delayed, Refused: l.Refused, Evicted: l.Evicted, Keys: l.Keys, Running: l.Running, Waiting: l.Waiting, Shared: l.Shared, Away: l.Away})
		}
		return list
	})
	s.metrics.Cache(func() []cache.Stats { return s.product.Cache.Stats() }, func() *disk.Stats { return s.product.Cache.Files() })
	s.metrics.SharedCache(func() (c metrics.SharedCache, ok bool) {
		st := s.product.Cache.Shared()
		if st == nil {
			return c, false
		}
		return metrics.SharedCache{Up: !st.Away, Found: st.Found, None: st.Loads - st.Found, Stored: st.Saved, Damaged: st.Damaged}, true
	})
	s.metrics.Clients(func() metrics.Clients {
		return metrics.Clients{Refused: s.product.Access.Records.Counts(), Denied: s.product.Access.Denied.Len()}
	})
	metrics.AddServer(s.metrics, metrics.Server{
		Connections: func() int { return s.product.Listeners.Connections() }, Limit: func() int { return s.config().Limits.MaxConns },
		Budgets: func() (list []metrics.Budget) {
			for _, b := range compose.Budgets(s.product) {
				list = append(list, metrics.Budget(b))
			}
			return list
		},
		Places: func(app string) int {
			for i, apps := 0, s.config().Apps; i < len(apps); i++ {
				if apps[i].Name == app {
					return max(apps[i].Workers.Threads, apps[i].Workers.Gevent, 1)
				}
			}
			return 0
		},
	})
	s.metrics.Tunnels(func() int { return len(s.product.Listeners.Tunnels()) })
	s.metrics.Traces(func() (otlp.Stats, bool) { return s.product.Traces.Stats() })
	s.metrics.Upstreams(func() []upstream.Info { return s.product.Upstreams.List() })
	s.monitor = monitor.New(monitor.Options{Pools: func() []monitor.Pool { return poolsAs[monitor.Pool](s.product) }, Log: s.log})
	if err := s.monitor.Restore(s.inherited.Kept(keptMonitor)); err != nil {
		s.log.Warn("figures_lost", "error", err)
	}
	s.monitor.Slow(s.cfg.Logs.Slow, s.cfg.Logs.SlowRecords)
	s.service = &service{pools: func() []*supervisor.Pool { return s.product.Pools() }, log: s.log}
	s.reloads = &reloads{service: s.service, log: s.log, failures: &s.failures, monitor: s.monitor, load: s.reload, group: newGroup(ctx)}
	dev := newDevReload(s.cfg, s.log, s.reloads.start)
	counted := metrics.NewReloads(s.metrics)
	records := &records{journal: journal.New(s.log), begin: s.begin, config: s.config}
	s.reloads.told = records.problem
	if s.cfg.Dev.On && s.log.ForPeople() {
		records.people, records.paint = s.log.Out, terminal.PaintFor(s.Stderr)
	}
	s.product, err = compose.New(s.cfg, s.Version, s.log, s.Stdout, func(e supervisor.Event) {
		records.Event(e)
		s.progress.Event(e)
		s.failures.Event(e)
		counted.Event(e)
		dev.Event(e)
		s.monitor.Event(e)
	}, observers{s.metrics, s.monitor}, s.inherited.Kept, s.lends())
	if err != nil {
		return err
	}
	s.holdOutput()
	s.reloads.product = s.product
	hold := s.product.Development.Hold
	if hold != nil && dev != nil {
		dev.Tell(hold)
	}
	if s.product.Development.Files != nil && dev != nil {
		dev.TellFiles(s.product.Development.FileChanged)
	}
	commands := &commands{reloads: s.reloads, product: s.product, log: s.log, stop: s.stop, served: s.metrics.Versions}
	out := &output{log: s.log}
	control := &control{product: s.product, cfg: s.cfg, out: out, metrics: s.metrics, monitor: s.monitor, handler: admin.NewHandler(admin.Options{
		Server: commands, Failures: &s.failures, Metrics: s.metrics.Handler(), Monitor: s.monitor, Log: s.log, Version: s.Version, Started: processStarted, Pid: os.Getpid(),
	})}
	handover := &handover{product: s.product, service: s.service, log: s.log, monitor: s.monitor, dir: s.in.Dir}
	report := s.report(out, control, records.journal)
	s.life = &life{
		product: s.product, out: out, entry: s.entry(control), boot: &boot{pools: poolsAs[bootingPool](s.product), progress: s.progress, report: report}, report: report, reloads: s.reloads, commands: commands,
		watchers: &watchers{product: s.product, log: s.log, reload: s.reloads.start, touched: newTouchWatch(s.cfg.Apps), dev: dev, hold: hold, changed: s.reloads.changed}, handover: handover,
		stopper: &stopper{product: s.product, service: s.service, handover: handover, terminal: s.terminal, log: s.log}, control: control,
		stops: s.stops, controls: controlSignals(), events: make(chan event), retryBoot: dev != nil,
	}
	return nil
}

// config is what is in force; of the start while there is no product.
func (s *server) config() *config.Config {
	if s.product == nil {
		return s.cfg
	}
	return s.product.Config()
}

// reload reads the configuration again.
func (s *server) reload() (*config.Config, error) {
	cfg, _, err := config.Load(s.in)
	return cfg, err
}

// stop begins an orderly stop, as SIGTERM does.
func (s *server) stop() {
	select {
	case s.stops <- syscall.SIGTERM:
	default: // signals are waiting: it stops anyway
	}
}

// entry is how this process comes to serve.
func (s *server) entry(control *control) entry {
	if s.inherited == nil {
		return &fresh{product: s.product, service: s.service, control: control, monitor: s.monitor, version: s.Version}
	}
	return &successor{inherited: s.inherited, product: s.product, service: s.service, control: control, log: s.log, monitor: s.monitor, version: s.Version}
}

func (s *server) report(out *output, control *control, journal *journal.Journal) *startReport {
	people, paint := s.Stderr, terminal.PaintFor(s.Stderr)
	if s.cfg.Logs.Error == "-" {
		people = s.log.Out // to keep the order
	}
	return &startReport{
		out: out, service: s.service, cfg: s.cfg, begin: s.begin, journal: journal,
		banner: &banner{product: s.product, control: control, progress: s.progress, cfg: s.cfg, version: s.Version, out: people, paint: paint},
	}
}

// lends returns what debuggers in the workers borrow: the terminal, in the development mode; nil: nothing.
func (s *server) lends() supervisor.Terminal {
	if !s.cfg.Dev.On || s.inherited != nil { // another process leads the shell's job
		return nil
	}
	if s.terminal = debugger.Open(s.log); s.terminal == nil {
		return nil
	}
	return s.terminal
}

// holdOutput has what goes to the terminal wait while a debugger has it.
func (s *server) holdOutput() {
	if s.cfg.Logs.Error == "-" {
		s.terminal.Holds(s.log.Out)
	}
	if out := compose.AccessOutput(s.product); out != nil {
		s.terminal.Holds(out)
	}
}

// run runs the life, and ends what it leaves open.
func (s *server) run(ctx context.Context) error {
	defer adopt()()
	defer s.terminal.Close()
	defer s.service.close()
	defer s.life.control.close()
	defer s.reloads.group.close()
	return s.life.run(ctx)
}

// observers count what is served: the metrics count all of it, the monitor requests.
type observers struct {
	*metrics.Metrics
	monitor *monitor.Monitor
}

// Observe is called for each request that is answered.
func (o observers) Observe(w *httpx.Writer, r *http.Request, took time.Duration) {
	o.Metrics.Observe(w, r, took)
	o.monitor.Observe(w, r, took)
}
