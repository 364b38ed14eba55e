package compose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/standpipe/standpipe/bridge/chain"
	"github.com/standpipe/standpipe/bridge/devpage"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/devreload"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/cmd/internal/privileges"
	"github.com/standpipe/standpipe/cmd/internal/staticfiles"
	"github.com/standpipe/standpipe/supervisor"
)

// Server is the whole product, assembled. Its life is New, Listeners.Listen, Prepare, Start,
// Listeners.Accept, then Drain or HandOver, and Stop.
type Server struct {
	// Listeners are the addresses that are served.
	Listeners *Listeners
	// Upstreams are those of the routes.
	Upstreams *Upstreams
	// Certificates are those of HTTPS; nil: no address speaks it.
	Certificates *Certificates
	// Limits are the [[limit]].
	Limits *Limits
	// Access is the access control.
	Access *Access
	// Cache is the HTTP cache, and Purges remove entries of it.
	Cache  *Cache
	Purges *Purges
	// Development is for the development mode.
	Development *Development
	// Traces are the spans that are sent to a collector.
	Traces *Traces

	parts    *parts
	sites    *sites
	upgraded atomic.Bool // another process has taken over
}

// parts are what every site is made of. They outlive reloads.
type parts struct {
	version    string
	log        *logfile.Log
	access     *accessLog
	observers  []chain.Observer // of requests
	events     func(supervisor.Event)
	terminal   supervisor.Terminal // of debuggers in the workers; nil: none
	shim       *shimFiles
	privileges *privileges.Privileges
	storage    *storage
	static     *staticfiles.Set
	clients    *Access
	upstreams  *registry
	health     *health
	refusals   *refusals
	limitStore *limitStore
	cache      *caching
	purges     *Purges
	traces     *Traces
	scanners   *scanners
	stop       *stop
	code       *devreload.Hold // nil: not in development
	errorPages *devpage.Pages  // likewise
	liveFiles  *devpage.Files  // nil: browsers do not load pages again
	trace      *trace          // nil: requests are served, not explained
}

// Counters count what is served, and what is not.
type Counters interface {
	// Observe is called for each request that is answered.
	Observe(w *httpx.Writer, r *http.Request, took time.Duration)
	// RequestRefused is called for each request that is refused before a handler gets it, with
	// the reason.
	RequestRefused(reason string)
	// Refused is called for each connection that is refused, with the reason.
	Refused(reason string)
	// Handshake is called for each TLS handshake that succeeds, HandshakeFailed for each that fails.
	Handshake(version string, resumed bool)
	HandshakeFailed(reason string)
	// HTTP2Ended is called for each connection of HTTP/2 that ends because of what its client does,
	// HTTP2Slowed for each that is read more slowly.
	HTTP2Ended(reason string)
	HTTP2Slowed()
}

// New assembles: pools, then the handlers from the inside outward. Nothing runs yet and
// nothing is bound. events is called for each event of a worker; the caller closes log. kept
// returns what Keep of the process before this one has returned. terminal is what debuggers in the workers borrow; nil: nothing.
func New(cfg *config.Config, version string, log *logfile.Log, stdout io.Writer, events func(supervisor.Event), counters Counters, kept func(name string) []byte, terminal supervisor.Terminal) (*Server, error) {
	access, err := openAccessLog(cfg, log, stdout)
	if err != nil {
		return nil, err
	}
	certificates, err := newCertificates(cfg, log, kept)
	if err != nil {
		return nil, err
	}
	stop := newStop()
	p := &parts{version: version, log: log, access: access, terminal: terminal, shim: newShimFiles(cfg, log), privileges: privileges.New(),
		storage: newStorage(cfg, log), static: staticfiles.New(cfg, log, log.Text), upstreams: newRegistry(), refusals: newRefusals(log, counters.RequestRefused), limitStore: &limitStore{url: cfg.Servers.Redis, log: log}, cache: newCaching(cfg, log), scanners: newScanners(), traces: &Traces{log: log, version: version}, stop: stop}
	p.clients = newAccess(cfg, log, kept)
	p.code = newHold(cfg, log)
	p.develop(cfg)
	sites := newSites(p, cfg)
	p.purges = &Purges{log: log, caching: p.cache, site: sites.current.Load}
	p.health = newHealth(log, sites.pools, stop)
	p.events = func(e supervisor.Event) {
		p.static.Event(e)
		p.health.event(e)
		if p.code != nil {
			p.code.Event(e)
		}
		events(e)
	}
	if access.log != nil {
		p.observers = append(p.observers, access.log.Request)
	}
	p.observers = append(p.observers, func(rec *httpx.Writer, r *http.Request, now time.Time) {
		counters.Observe(rec, r, now.Sub(rec.Info.Start))
	})
	if err := sites.first(cfg); err != nil {
		return nil, err
	}
	if err := restoreLimits(sites.current.Load(), kept(keptLimits)); err != nil {
		log.Warn("limits_lost", "error", oneLine(err))
	}
	refused := func(remote string, status int) { chain.Refused(remote, status, p.observers) }
	listeners, err := newListeners(cfg, sites, certificates, refused, counters, log, kept)
	if err != nil {
		return nil, err
	}
	if err := certificates.shareTickets(kept); err != nil {
		return nil, err
	}
	sites.limits, sites.tls = listeners.setLimits, certificates
	return &Server{Listeners: listeners, Upstreams: &Upstreams{sites}, Certificates: certificates, Limits: &Limits{sites, p.limitStore, p.scanners}, Access: p.clients, Cache: &Cache{p.cache}, Purges: p.purges, Traces: p.traces, Development: &Development{p.code, p.liveFiles, sites}, parts: p, sites: sites}, nil
}

// Prepare does what needs root privileges, and then drops them if the configuration says
// so. It is called once, when addresses and logs are open, before Start. What cannot be
// applied is an error: then only Stop is to be called.
func (s *Server) Prepare() error {
	cfg := s.Config()
	runtime, err := s.parts.privileges.Drop(cfg, s.RuntimeDir())
	if err != nil {
		return err
	}
	st := s.parts.storage
	st.folder.shared = slices.ContainsFunc(cfg.Apps, func(a config.App) bool { return a.Confine.Identity != nil })
	st.folder.parents = func() []string { return append(spoolParents(cfg, runtime), spoolParents(cfg, s.RuntimeDir())...) }
	err = st.open(cfg, spoolParents(cfg, runtime))
	if err != nil && cfg.Folders.Spool != "" && cfg.Account.Identity != nil {
		return fmt.Errorf("%s cannot write to spool_dir %s: %w", cfg.Account.Identity, cfg.Folders.Spool, err)
	}
	s.parts.cache.openFiles()
	s.Certificates.warnKeys(cfg, s.parts.privileges)
	return s.startAutomatic()
}

// Start starts the workers.
func (s *Server) Start() { s.sites.start() }

// Reload puts a configuration and new code in force; see sites.reload.
func (s *Server) Reload(ctx context.Context, load func() (*config.Config, error), only string) error {
	return s.sites.reload(ctx, load, only)
}

// Stopping makes the readiness checks say no. Requests are still served.
func (s *Server) Stopping() { s.parts.stop.begin() }

// IsStopping: Stopping, Drain or Stop was called.
func (s *Server) IsStopping() bool { return s.parts.stop.hasBegun() }

// Drain takes no further connections and returns when all requests are answered, or with
// ctx's error. Tunnels are closed when ctx ends.
func (s *Server) Drain(ctx context.Context) error {
	s.Stopping()
	return s.Listeners.endTunnels(s.Listeners.shutdown(ctx))
}

// Keep returns what the process of an upgrade needs and may not be able to read: keys.
func (s *Server) Keep() (map[string][]byte, error) {
	kept, err := s.Certificates.keep()
	if kept == nil {
		kept = map[string][]byte{}
	}
	s.Access.Persist() // the next process writes what it changes itself
	for _, k := range s.Access.lists {
		list, failed := k.list.Encode(time.Now())
		kept[k.name], err = list, errors.Join(err, failed)
	}
	if counts, failed := s.Limits.keep(); failed != nil {
		s.parts.log.Warn("limits_lost", "error", failed)
	} else if counts != nil {
		kept[keptLimits] = counts
	}
	if quic := s.Listeners.three.keep(); quic != nil {
		kept[keptQUIC] = quic
	}
	return kept, err
}

// HandOver takes no further connections, because another process does, and returns when all
// requests are answered and all connections closed, or with ctx's error. Tunnels are closed
// when ctx ends. The readiness checks still say yes. Stop is still to be called.
func (s *Server) HandOver(ctx context.Context) error {
	s.upgraded.Store(true)
	s.parts.cache.leaveFiles()
	return s.Listeners.leave(ctx)
}

// Stop ends workers and connections: politely until ctx ends, then at once. All goroutines
// and processes have ended when it returns.
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
	s.sites.hurry()
	// Handlers whose workers are gone end now; their lines are to be logged.
	s.Listeners.close(200 * time.Millisecond)
	s.sites.wait()
	for _, p := range s.Pools() { // an app that a reload has added in this moment
		p.Stop(ctx, supervisor.Shutdown)
	}
	if s.Certificates != nil {
		s.Certificates.automatic.stop()
	}
	s.parts.cache.close()
	s.parts.limitStore.close()
	s.parts.traces.close(ctx) // all requests have ended
	s.Access.Persist()
	s.parts.storage.folder.close()
	s.parts.privileges.End()
	s.parts.access.close()
}

// Kill ends all workers at once; Stop is still to be called.
func (s *Server) Kill() { s.sites.kill() }

// Config is the configuration in force.
func (s *Server) Config() *config.Config { return s.sites.current.Load().cfg }

// Pools are the apps' pools, in the config's order.
func (s *Server) Pools() []*supervisor.Pool { return s.sites.pools() }

// Static lists the folders of an app that are served without it, and those that it declares
// and that are not served; empty: those of [[static]].
func (s *Server) Static(app string) []staticfiles.Folder {
	t := s.sites.current.Load()
	if r := t.run(app); r != nil {
		return r.files.Folders()
	}
	if app != "" {
		return nil
	}
	return s.parts.static.Server(t.cfg)
}

// Ready answers the readiness checks (chain.Readiness).
func (s *Server) Ready(app string) (ready, known bool) { return s.parts.health.Ready(app) }

// Health answers the health checks at an address of its own.
func (s *Server) Health() http.Handler {
	return chain.HealthHandler(chain.HealthOptions{Ready: s.parts.health})
}

// HiddenHealth are the health paths that the app has routes for, and that are answered
// before it is asked.
func (s *Server) HiddenHealth(app string) []string { return s.parts.health.hiddenOf(app) }

// RuntimeDir is the run-time folder: it belongs to this process's user, and no other user
// can write to it. Empty: none can be written. One that has gone is made again.
func (s *Server) RuntimeDir() string { return s.parts.shim.folder() }

// HelperGone is closed when the helper process has ended; nil: there is none.
func (s *Server) HelperGone() <-chan struct{} { return s.parts.privileges.HelperGone() }

// ReopenLogs reopens the access log and the error log under their names, after their files
// were renamed. No line is lost: what is buffered goes into the new file. A log that
// cannot be opened continues in the old file, and is in the error.
func (s *Server) ReopenLogs() error {
	return errors.Join(s.parts.access.reopen(), s.parts.log.Reopen())
}

// stop is the end of the server, as its parts see it.
type stop struct {
	once  sync.Once
	begun chan struct{} // closed by begin
}

func newStop() *stop { return &stop{begun: make(chan struct{})} }

func (s *stop) begin() { s.once.Do(func() { close(s.begun) }) }

func (s *stop) hasBegun() bool {
	select {
	case <-s.begun:
		return true
	default:
		return false
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

// oneLine is an error's text without line feeds.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
