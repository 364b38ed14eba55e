package run

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/standpipe/standpipe/bridge/http1"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/dashboard"
	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/metrics"
	"github.com/standpipe/standpipe/cmd/internal/monitor"
)

// control serves the control socket and the addresses of the metrics and the dashboard. close
// ends what it has started.
type control struct {
	product *compose.Server
	cfg     *config.Config // of the start
	out     *output
	metrics *metrics.Metrics
	monitor *monitor.Monitor
	handler *admin.Handler

	group      *group            // nil: not open
	server     *listen.Group     // of the metrics; nil: none
	metricsURL string            // empty: none
	dashboard  *dashboard.Server // nil: none
	pageURL    string            // of the dashboard; empty: none

	mu     sync.Mutex
	socket *admin.Socket // nil: there is none
	unlink func()        // removes the link to the socket; nil: there is no socket
}

// open opens the control socket and the addresses of the metrics and the dashboard. A control socket that the
// configuration does not name may be missing; every other failure is an error with its exit
// code.
func (c *control) open(ctx context.Context) error {
	c.watch(ctx)
	if err := c.openMetrics(ctx); err != nil {
		return exit.With(exit.Address, err)
	}
	if err := c.openDashboard(ctx); err != nil {
		return exit.With(exit.Address, err)
	}
	warnShared(c.out.log, c.cfg)
	return c.openSocket(ctx)
}

// handoverTime is how long the old process may take to close its addresses.
const handoverTime = 2 * time.Second

// takeOver opens all of them after an upgrade, as soon as the old process has closed its own. A
// failure is logged, and the process serves all the same.
func (c *control) takeOver(ctx context.Context) {
	c.watch(ctx)
	until := time.Now().Add(handoverTime)
	again := func(err error) bool {
		if !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(until) {
			return false
		}
		select {
		case <-time.After(10 * time.Millisecond): // nothing reports that another process closes a socket
			return true
		case <-ctx.Done():
			return false
		}
	}
	take := func(open func(context.Context) error) error {
		err := open(ctx)
		for again(err) {
			err = open(ctx)
		}
		return err
	}
	if err := take(c.openMetrics); err != nil {
		c.out.log.Error("no_metrics", "error", err, "message", "the address of the metrics could not be taken over")
	}
	if err := take(c.openDashboard); err != nil {
		c.out.log.Error("no_dashboard", "error", err, "message", "the address of the dashboard could not be taken over")
	}
	for again(c.place().InUse()) {
	}
	if err := c.openSocket(ctx); err != nil {
		c.out.log.Error("no_control_socket", "error", err, "message", "the control socket could not be taken over")
	}
}

// watch starts what observes the server until close.
func (c *control) watch(ctx context.Context) {
	c.group = newGroup(context.WithoutCancel(ctx))
	c.group.start(func(ctx context.Context) { c.metrics.Watch(ctx, c.out.log) })
	c.group.start(c.monitor.Run)
	c.group.start(c.keepSocket)
}

func (c *control) openMetrics(ctx context.Context) error {
	if c.cfg.Control.Metrics == "" {
		return nil
	}
	ln, err := listen.Listen(ctx, listen.Spec{Address: c.cfg.Control.Metrics})
	if err == nil {
		c.serveMetrics(ln)
	}
	return c.product.Listeners.Clash(err)
}

func (c *control) serveMetrics(ln net.Listener) {
	web := http1.New(metricsOnly(c.metrics.Handler(), c.product.Health()), http1.Options{HeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, MaxHead: 16 << 10, Log: c.out.log})
	c.server = listen.NewGroup(listen.Options{MaxConnections: 64, Log: c.out.log,
		Limits: listen.Limits{Send: httpx.Pace{Silence: c.cfg.Limits.SendTimeout, Rate: c.cfg.Limits.MinRate}}})
	c.group.start(func(context.Context) { // ends with close
		if err := c.server.Serve(ln, web); err != nil {
			c.out.log.Error("listener_failed", "address", ln.Addr().String(), "error", err)
		}
	})
	c.metricsURL = metricsURL(ln.Addr())
	c.out.record("metrics", "address", c.metricsURL)
}

// openDashboard serves the page for browsers, and asks the handler of the control socket for its data.
func (c *control) openDashboard(ctx context.Context) error {
	at := c.cfg.Dashboard
	if at.Address == "" {
		return nil
	}
	ln, err := listen.Listen(ctx, listen.Spec{Address: at.Address})
	if err != nil {
		return c.product.Listeners.Clash(err)
	}
	page := dashboard.NewHandler(dashboard.Options{Source: c.handler, Token: at.Token, Local: at.Token == "", Log: c.out.log})
	c.dashboard = dashboard.NewServer(page, httpx.Pace{Silence: c.cfg.Limits.SendTimeout, Rate: c.cfg.Limits.MinRate}, c.out.log)
	c.group.start(func(context.Context) { // ends with close
		if err := c.dashboard.Serve(ln); err != nil {
			c.out.log.Error("listener_failed", "address", ln.Addr().String(), "error", err)
		}
	})
	c.pageURL = dashboard.URL(ln.Addr())
	c.out.record("dashboard", "address", c.pageURL)
	return nil
}

func metricsURL(a net.Addr) string {
	if a.Network() == "unix" {
		return "unix:" + a.String()
	}
	return "http://" + a.String() + "/metrics"
}

// metricsOnly is a handler that serves the metrics and the health checks, and nothing else.
func metricsOnly(h, health http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", h)
	mux.Handle("GET /", health)
	return mux
}

// place is where the control socket belongs.
func (c *control) place() admin.Location {
	p := admin.Location{Path: c.cfg.Control.Socket, Dir: c.product.RuntimeDir(), Name: config.InstanceName(c.cfg), Pid: os.Getpid(), Mode: c.cfg.Control.Mode, Group: c.cfg.Control.Group}
	if i := c.cfg.Account.Identity; i != nil && os.Geteuid() == 0 { // the user that this process becomes may control it, as root may
		p.User = strconv.FormatUint(uint64(i.UID), 10)
	}
	return p
}

func (c *control) openSocket(ctx context.Context) error {
	place := c.place()
	if place.Path == "off" || place.Path == "" && place.Dir == "" { // there is a record about the folder
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.serveSocket(ctx, place)
	switch {
	case err != nil && (place.Path != "" || place.Group != ""):
		return exit.With(exit.Address, c.product.Listeners.Clash(err))
	case err != nil:
		c.out.log.Warn("no_control_socket", "error", err, "message", "standpipe status and the other commands cannot reach this standpipe; --control names another place")
		return nil
	}
	if c.unlink, err = place.Announce(); err != nil {
		c.out.log.Debug("control_socket", "path", place.Path, "error", err, "message", "the commands find this socket by --control alone: no link to it could be made")
	}
	c.out.record("control_socket", "path", c.socket.Path())
	return nil
}

// serveSocket binds and serves; mu is held.
func (c *control) serveSocket(ctx context.Context, place admin.Location) error {
	ln, err := admin.Listen(ctx, place)
	if err != nil {
		return err
	}
	c.socket = admin.Serve(ln, c.handler)
	return nil
}

// socketTick is the time between two looks at the run-time folder and the control socket.
const socketTick = 3 * time.Second

// keepSocket makes both again when they are gone: the end of a login session and cleaners
// of folders remove them while the server runs. It ends with ctx.
func (c *control) keepSocket(ctx context.Context) {
	tick := time.NewTicker(socketTick)
	defer tick.Stop()
	told := false // of a socket that cannot be made
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		place := c.place() // makes the folder again
		lost := c.path()
		if lost == "" || place.Path == "" && place.Dir == "" {
			continue
		}
		if _, err := os.Lstat(lost); !errors.Is(err, os.ErrNotExist) {
			continue
		}
		err := c.replaceSocket(ctx, place)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			c.out.log.Warn("control_socket_lost", "path", lost, "dir", filepath.Dir(c.path()))
		case !told:
			c.out.log.Warn("no_control_socket", "error", err, "message", "the control socket is gone and cannot be made again; the server retries every few seconds")
		}
		told = err != nil
	}
}

// replaceSocket serves on a new socket in the place of one whose file is gone. Commands that
// wait for a response get it on the old one.
func (c *control) replaceSocket(ctx context.Context, place admin.Location) error {
	if place.Path != "" {
		if err := os.MkdirAll(filepath.Dir(place.Path), 0o755); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil { // closed: another process may have the place
		return err
	}
	old := c.socket
	if err := c.serveSocket(ctx, place); err != nil {
		return err
	}
	old.Retire()
	return nil
}

// path is where the control socket is; empty: there is none.
func (c *control) path() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.socket == nil {
		return ""
	}
	return c.socket.Path()
}

// close ends everything. It may be called more than once.
func (c *control) close() {
	if c.group == nil {
		return
	}
	c.group.cancel()
	c.mu.Lock()
	if c.unlink != nil {
		c.unlink()
	}
	if c.socket != nil {
		c.socket.Close()
	}
	c.mu.Unlock()
	if c.server != nil {
		c.server.Close()
	}
	if c.dashboard != nil {
		c.dashboard.Close()
	}
	c.group.close()
}
