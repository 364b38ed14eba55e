package compose

import (
	"context"
	"runtime"
	"strings"
	"time"

	"github.com/standpipe/standpipe/bridge/cgi"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/wsgi"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/privileges"
	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/shim_py"
	"github.com/standpipe/standpipe/supervisor"
	"github.com/standpipe/standpipe/supervisor/process"
)

// The two packages do not know each other; here they fit.
var _ wsgi.Pool = (*supervisor.Pool)(nil)

// sharedBoots are the machine's, whatever number of apps it has: twice what one app may
// boot at a time, because a boot also reads files and waits.
var sharedBoots = supervisor.NewBootLimiter(2 * bootLimit)

// sharedMemory is what all workers may share with this process.
var sharedMemory = new(shim.SharedBudget)

// bootLimit is how many workers of one app boot at a time.
var bootLimit = max(2, runtime.GOMAXPROCS(0)) // a control group's limit counts

// Values that no setting changes.
const (
	bootTick       = 10 * time.Second
	devBootTick    = 3 * time.Second // a person waits
	sampleEvery    = time.Second
	drainGrace     = 5 * time.Second
	interruptGrace = time.Second // how long an interrupted request may clean up
)

// poolOptions are the options of one app's pool.
func (p *parts) poolOptions(cfg *config.Config, a *config.App) supervisor.Options {
	mount := strings.TrimSuffix(a.Mount, "/")
	made := &release{given: a}
	_, _, _ = made.get() // Command returns the error
	o := supervisor.Options{
		App: a.Name,
		Command: func() (process.Command, error) {
			now, env, err := made.get()
			if err != nil {
				return process.Command{}, err
			}
			return p.privileges.Confine(cfg, now, process.Command{
				Args: append([]string{now.Interpreter.Path}, p.shim.arguments()...),
				Env:  env,
				Dir:  now.Dir, PythonPath: now.PythonPath,
			})
		},
		Spawner: p.privileges.Spawner(a),
		Boot: wire.Boot{
			Name: a.Name, App: a.Module, Candidates: a.Candidates, Dir: a.Dir, PythonPath: a.PythonPath,
			Found: a.Interpreter.How, Watch: a.Life.Reload, Dev: cfg.Dev.On, Debug: p.terminal != nil, Gevent: a.Workers.Gevent > 0, Timeout: a.Requests.Timeout, Health: cfg.Responses.Health(), Named: a.Named,
			Environ: []wire.Var{
				{Name: "GATEWAY_INTERFACE", Value: "CGI/1.1"},
				{Name: "SERVER_SOFTWARE", Value: "standpipe/" + p.version},
				{Name: "SCRIPT_NAME", Value: mount},
			},
		},
		Hash:    shim_py.Hash(),
		Workers: a.Workers.Min, MaxWorkers: a.Workers.Max, Threads: max(a.Workers.Threads, a.Workers.Gevent), IdleStop: a.Life.IdleStop,
		Queue: a.Requests.Queue, QueueTimeout: a.Requests.QueueTimeout,
		BootTimeout: a.Life.BootTimeout, BootTick: bootTickOf(cfg, a.Life.BootTimeout), BootLimit: bootLimit, Boots: sharedBoots,
		DrainGrace: drainGrace, InterruptGrace: interruptGrace, TermGrace: cfg.Stop.TermGrace, DrainLimit: a.Life.DrainTimeout,
		Preload:      a.Life.Preload,
		Prefetch:     prefetch(a),
		SharedMemory: sharedMemory,
		Surge:        max(a.Life.Surge.Of(a.Workers.Max), 1),
		StopFirst:    a.Life.Surge.None,
		Cutover:      cfg.Dev.On && a.Life.Reload,
		MaxRequests:  int64(a.Life.MaxRequests), MaxLifetime: a.Life.MaxLifetime, MaxRSS: a.Life.MaxRSS, HardRSS: a.Life.HardRSS,
		Jitter: a.Life.Jitter.Percent / 100, SampleEvery: sampleEvery,
		Terminal: p.terminal,
		Events:   p.events,
		Purge:    p.purges.ofApp(a.Name),
	}
	if a.Life.Jitter.N > 0 && a.Life.MaxRequests > 0 {
		o.Jitter = float64(a.Life.Jitter.N) / float64(a.Life.MaxRequests)
	}
	if o.Cutover {
		o.BootLimit = 1 // a person waits for the first worker; the next ones would slow it down
	}
	if len(a.Life.Warmup) > 0 {
		o.Warmup = func(ctx context.Context, open func(shim.Label) (*shim.Exchange, error)) error {
			return wsgi.Warm(ctx, a.Mount, a.Life.Warmup, open)
		}
	}
	return o
}

// bootTickOf: a boot is looked at before its time is over, however short that is.
func bootTickOf(cfg *config.Config, timeout time.Duration) time.Duration {
	tick := bootTick
	if cfg.Dev.On {
		tick = devBootTick
	}
	if timeout > 0 && timeout/2 < tick {
		return timeout / 2
	}
	return tick
}

// prefetch: an app that reads bodies as they come may wait for its client at any
// time, so nothing is to stand behind its requests.
func prefetch(a *config.App) int {
	if a.Requests.Buffering == "off" {
		return 0
	}
	return a.Requests.Prefetch
}

// appHandler makes the handler of one app.
func (p *parts) appHandler(cfg *config.Config, a *config.App, pool wsgi.Pool, pages *httpx.Pages) *wsgi.Handler {
	underscores, _ := cgi.Underscores(a.Requests.UnderscoreFields) // config has checked them
	return wsgi.New(wsgi.Options{
		App: a.Name, Mount: a.Mount, Pool: pool, Spool: p.storage.bodies, Answers: p.storage.answers, Pages: pages, Log: p.log,
		MaxBody: cfg.Limits.MaxBody, BodyPace: bodyPace(cfg), Timeout: a.Requests.Timeout,
		StreamTimeout: a.Requests.StreamTimeout, CancelOnDisconnect: a.Requests.OnDisconnect == "cancel", NoRetry: a.Requests.Retry == "never",
		Failed:        p.failed(a, pool),
		Concurrent:    max(a.Workers.Threads, a.Workers.Gevent) > 1,
		Give:          p.privileges.Give(a),
		Unbuffered:    a.Requests.Buffering == "off",
		SendfileRoots: a.Files.SendfileRoots, Internal: internals(cfg), Underscores: underscores,
	})
}

// bodyPace is how slow a client may be with its body.
func bodyPace(cfg *config.Config) httpx.Pace {
	return httpx.Pace{Silence: cfg.Limits.BodyTimeout, Rate: cfg.Limits.MinRate}
}

func internals(cfg *config.Config) []wsgi.Internal {
	list := make([]wsgi.Internal, len(cfg.Internal))
	for i, in := range cfg.Internal {
		list[i] = wsgi.Internal{URL: in.URL, Dir: in.Dir, Fields: in.Headers}
	}
	return list
}

// workerEnviron is the environment of a worker: ours without what is meant for
// this process alone, then the app's own variables.
func workerEnviron(ours, apps []string) []string {
	env := make([]string, 0, len(ours)+len(apps)+1)
	own := map[string]bool{}
	for _, v := range apps {
		name, _, _ := strings.Cut(v, "=")
		own[name] = true
	}
	for _, v := range ours {
		name, _, _ := strings.Cut(v, "=")
		switch {
		case own[name], name == "NOTIFY_SOCKET", strings.HasPrefix(name, "LISTEN_"), strings.HasPrefix(name, "WATCHDOG_"),
			strings.HasPrefix(name, "STANDPIPE_"):
			continue
		}
		env = append(env, v)
	}
	return append(append(env, apps...), "STANDPIPE_SHIM_HASH="+shim_py.Hash())
}

// LoadPool makes a pool that is only to import the app (check --load).
func LoadPool(cfg *config.Config, a *config.App, version string, events func(supervisor.Event)) *supervisor.Pool {
	args, _, _ := shimArgs(ownRuntimeDirs(cfg)) // without a folder the shim is in the arguments
	p := &parts{version: version, events: events, shim: &shimFiles{cfg: cfg, args: args}, privileges: privileges.ForLoading()}
	return supervisor.New(p.poolOptions(cfg, a))
}
