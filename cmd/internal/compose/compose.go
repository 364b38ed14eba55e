package compose

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/standpipe/standpipe/bridge/accesslog"
	"github.com/standpipe/standpipe/bridge/chain"
	"github.com/standpipe/standpipe/bridge/forwarded"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/bridge/nethttp"
	"github.com/standpipe/standpipe/bridge/spool"
	"github.com/standpipe/standpipe/bridge/uwsgi"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/cmd/internal/privileges"
	"github.com/standpipe/standpipe/cmd/internal/staticfiles"
	"github.com/standpipe/standpipe/supervisor"
)

// What nobody has asked to set yet.
const (
	bootTick    = 10 * time.Second
	sampleEvery = time.Second
	drainGrace  = 5 * time.Second
	// What was interrupted may clean up for so long.
	interruptGrace = time.Second
	maxTarget      = 32 << 10 // octets of a request target; the head has its own limit
)

// Server is the whole product, assembled.
type Server struct {
	version    string
	log        *logfile.Log
	events     func(supervisor.Event)
	shim       *shimFiles
	observers  []chain.Observer
	spool      *spool.Spool
	privileges *privileges.Privileges
	answers    *spool.Pipes
	files      *staticfiles.Set
	started    *config.Config       // of the start: what a reload does not change is as it says
	site       atomic.Pointer[site] // what a reload replaces
	reloads    chan struct{}        // capacity 1: held by the reload that is under way
	group      *listen.Group
	http       *nethttp.Server
	uwsgi      *uwsgi.Server
	access     *accesslog.Log                // nil: off
	stdout     *logfile.Outlet               // nil: the access log goes elsewhere
	folder     spoolFolder                   // of large request bodies, from Prepare on
	take       func(address string) *os.File // nil: nobody hands sockets over
	listeners  []net.Listener
	bound      []config.Listen // what they are of
	serving    sync.WaitGroup
	stopping   atomic.Bool
	upgraded   atomic.Bool   // another process has taken over
	quit       chan struct{} // closed when stopping

	mu     sync.Mutex
	hidden map[string][]string                     // health paths that an app has routes for, by app
	gone   map[*supervisor.Pool]context.CancelFunc // pools of apps that are no more, and what ends their patience
}

// New assembles: pools, then the chain from the inside outward. Nothing runs yet
// and nothing is bound. events hears of every worker, observe (nil: nobody) of every
// request; log stays the caller's.
func New(cfg *config.Config, version string, log *logfile.Log, stdout io.Writer, events func(supervisor.Event), observe func(*httpx.Writer, time.Duration)) (_ *Server, err error) {
	s := &Server{version: version, privileges: privileges.New(), log: log, reloads: make(chan struct{}, 1), quit: make(chan struct{}), gone: map[*supervisor.Pool]context.CancelFunc{},
		files: staticfiles.New(cfg, log, log.Text), hidden: map[string][]string{}}
	s.events = func(e supervisor.Event) {
		s.files.Event(e)
		s.healthHears(e)
		events(e)
	}
	args, runtime, err := shimArgs(ownRuntimeDirs(cfg))
	if err != nil {
		log.Warn("no_runtime_dir", "reason", strings.ReplaceAll(err.Error(), "\n", "; "),
			"message", "no folder for run-time files can be written: workers get the shim on their command line, and there is no control socket unless --control names one")
	}
	s.shim = &shimFiles{cfg: cfg, log: log, args: args, runtime: runtime}
	s.spool = newSpool(cfg)
	sharedMemory.Limit(config.PartOf(cfg.MemoryLimit, sharedMemoryPart, 0))
	s.answers = newAnswers(cfg, s.spool)
	if cfg.Logs.Access != "off" {
		format := accesslog.Combined
		if cfg.Logs.AccessFormat == "json" {
			format = accesslog.JSON
		}
		if cfg.Logs.Access == "-" {
			s.stdout = logfile.NewOutlet(stdout, log.DroppedAccess)
		}
		limiter := &httpx.LogLimiter{Every: time.Minute}
		failed := func(err error) {
			if limiter.Allow("", time.Now()) {
				log.Error("access_log", "error", err)
			}
		}
		if s.access, err = accesslog.New(logfile.Access(cfg.Logs.Access, cfg.Account.Identity, s.stdout), format, failed); err != nil {
			return nil, err
		}
	}
	if s.access != nil {
		s.observers = append(s.observers, s.access.Request)
	}
	if observe != nil {
		s.observers = append(s.observers, func(rec *httpx.Writer, _ *http.Request, now time.Time) { observe(rec, now.Sub(rec.Info.Start)) })
	}
	first, err := s.plan(cfg.Released(), nil)
	if err != nil {
		return nil, err
	}
	if err := first.assemble(s); err != nil {
		return nil, err
	}
	s.started = cfg
	s.site.Store(first)
	current := func(w http.ResponseWriter, r *http.Request) { s.site.Load().chain.ServeHTTP(w, r) }
	s.group = listen.NewGroup(listen.Options{MaxConnections: cfg.Limits.MaxConns, Limits: paceOf(cfg), Log: log})
	s.http = nethttp.New(http.HandlerFunc(current), nethttp.Options{
		ReadHeaderTimeout: cfg.Limits.HeaderTimeout, IdleTimeout: cfg.Limits.IdleTimeout, MaxHeaderBytes: int(cfg.Limits.MaxHead), Refused: s.refused, Log: log,
	})
	s.uwsgi = uwsgi.New(http.HandlerFunc(current), uwsgi.Options{HeaderTimeout: cfg.Limits.HeaderTimeout, MaxHead: int(cfg.Limits.MaxHead), Refused: s.refused, Log: log})
	return s, nil
}

// paceOf is how slow clients may be.
func paceOf(cfg *config.Config) listen.Limits {
	return listen.Limits{Send: httpx.Pace{Silence: cfg.Limits.SendTimeout, Rate: cfg.Limits.MinRate}, Tunnel: cfg.Limits.TunnelTimeout}
}

// refused is for requests that no handler gets.
func (s *Server) refused(remote string, status int) { chain.Refused(remote, status, s.observers) }

func newTrust(cfg *config.Config) (*forwarded.Trust, error) {
	items := make([]string, 0, len(cfg.Trust.Proxies)+1)
	for _, p := range cfg.Trust.Proxies {
		items = append(items, p.String())
	}
	if cfg.Trust.Unix {
		items = append(items, "unix")
	}
	return forwarded.ParseTrust(items)
}

// Listen binds all addresses, or none; then the Server is of no more use. Errors are *listen.ListenError.
func (s *Server) Listen(ctx context.Context) error {
	for _, l := range s.Config().Listen {
		ln, err := s.listen(ctx, l.String(), listen.Spec{Address: l.Bare(), Mode: l.Mode, User: l.User, Group: l.Group, Backlog: l.Backlog, V6Only: l.BesideIPv4(s.Config().Listen)})
		if err != nil {
			err = s.Clash(err)
			for _, open := range s.listeners {
				open.Close()
			}
			s.listeners, s.bound = nil, nil
			return err
		}
		s.listeners, s.bound = append(s.listeners, ln), append(s.bound, l)
	}
	return nil
}

// Clash is err with the address of this standpipe's own that was in the way, if one was.
func (s *Server) Clash(err error) error {
	e, ok := errors.AsType[*listen.ListenError](err)
	if !ok || !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	for i, ln := range s.listeners {
		if listen.Overlap(e.Address, ln.Addr()) {
			return &listen.ListenError{Address: e.Address, Err: e.Err, Ours: s.bound[i].String()}
		}
	}
	return err
}

func (s *Server) listen(ctx context.Context, address string, spec listen.Spec) (net.Listener, error) {
	if s.take != nil {
		if f := s.take(address); f != nil {
			return listen.Inherit(f, spec)
		}
	}
	return listen.Listen(ctx, spec)
}

// Addresses are the URLs of the listeners.
func (s *Server) Addresses() []string {
	var urls []string
	for i, ln := range s.listeners {
		a := ln.Addr()
		speaks := s.bound[i].Protocol
		switch {
		case a.Network() != "unix":
			urls = append(urls, speaks+"://"+a.String())
		case speaks == "http":
			urls = append(urls, "unix:"+a.String())
		default:
			urls = append(urls, speaks+"+unix:"+a.String())
		}
	}
	return urls
}

// Config is what is in force.
func (s *Server) Config() *config.Config { return s.site.Load().cfg }

// RuntimeDir is the run-time folder: ours, and writable by nobody else. Empty: none
// can be written. One that has gone is made again.
func (s *Server) RuntimeDir() string { return s.shim.folder() }

// IsStopping: Stopping, Drain or Stop was called.
func (s *Server) IsStopping() bool { return s.stopping.Load() }

// Pools are the apps' pools, in the config's order.
func (s *Server) Pools() []*supervisor.Pool {
	runs := s.site.Load().runs
	pools := make([]*supervisor.Pool, len(runs))
	for i, r := range runs {
		pools[i] = r.pool
	}
	return pools
}

// Start starts the workers.
func (s *Server) Start() {
	t := s.site.Load()
	s.files.Open(t.cfg, t.hosts)
	for _, r := range t.runs {
		s.files.Add(r.files)
		r.pool.Start()
	}
}

// Accept takes connections; requests wait in line until the first worker is ready.
func (s *Server) Accept() {
	for i, ln := range s.listeners {
		protocol := listen.Protocol(s.http)
		if s.bound[i].Protocol == "uwsgi" {
			protocol = s.uwsgi
		}
		s.serving.Go(func() {
			if err := s.group.Serve(ln, protocol); err != nil {
				s.log.Error("listener_failed", "address", ln.Addr().String(), "error", err)
			}
		})
	}
}

// unservedLimit is how long an app may have no serving worker while its boots fail
// before the readiness checks say no.
const unservedLimit = 5 * time.Second

// Ready answers the readiness checks: an app has been ready once, it has not been
// without a serving worker for more than unservedLimit while its boots fail, and
// standpipe is not stopping. A full line says nothing. The empty name means all apps.
func (s *Server) Ready(app string) (ready, known bool) {
	ready = !s.stopping.Load()
	for _, p := range s.Pools() {
		if app == "" || app == p.App() {
			known = true
			st := p.Stats()
			ready = ready && st.EverUp && st.Unserved <= unservedLimit
		}
	}
	return ready && known, known
}

// Stopping makes the readiness checks say no. Requests are still served.
func (s *Server) Stopping() {
	if !s.stopping.Swap(true) {
		close(s.quit)
	}
}

// Drain takes no further connections and returns when all requests are answered,
// or with ctx's error.
func (s *Server) Drain(ctx context.Context) error {
	s.Stopping()
	return s.group.Shutdown(ctx)
}

// Stop ends workers and connections: politely until ctx ends, then at once. All
// goroutines and processes have ended when it returns.
func (s *Server) Stop(ctx context.Context) {
	s.Stopping()
	why := supervisor.Shutdown
	if s.upgraded.Load() {
		why = supervisor.Upgrade
	}
	var wg sync.WaitGroup
	for _, p := range s.Pools() {
		wg.Go(func() { p.Stop(ctx, why) })
	}
	wg.Wait()
	s.mu.Lock()
	for _, cancel := range s.gone {
		cancel()
	}
	s.mu.Unlock()
	// Handlers whose workers are gone end now; their lines are to be logged.
	s.site.Load().closeProxies()
	last, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	_ = s.group.Shutdown(last)
	cancel()
	s.group.Close()
	for _, ln := range s.listeners {
		ln.Close() // what Start has not handed to the HTTP server
	}
	s.serving.Wait()
	for _, p := range s.Pools() { // an app that a reload has added in this moment
		p.Stop(ctx, supervisor.Shutdown)
	}
	s.folder.close()
	s.privileges.End()
	if s.access != nil {
		s.access.Close()
	}
	if s.stdout != nil {
		s.stdout.Close()
	}
}

// Kill ends all workers at once; Stop is still to be called.
func (s *Server) Kill() {
	for _, p := range s.Pools() {
		p.Kill()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.gone {
		p.Kill()
	}
}

// InContainer guesses whether this process runs in a container.
func InContainer() bool {
	if os.Getenv("KUBERNETES_SERVICE_HOST") != "" {
		return true
	}
	for _, f := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(f); err == nil {
			return true
		}
	}
	return false
}
