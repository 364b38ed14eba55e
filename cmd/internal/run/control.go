package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/listen"
	"github.com/standpipe/standpipe/bridge/nethttp"
	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/exit"
	"github.com/standpipe/standpipe/cmd/internal/metrics"
)

// control is the way in for who steers and who measures. close ends what it has
// started.
type control struct {
	mu      sync.Mutex
	socket  *admin.Socket // nil: there is none
	unlink  func()        // takes away the link to it; nil: there is no socket
	metrics *listen.Group // of --metrics; nil: none
	done    sync.WaitGroup
	end     context.CancelFunc
}

// The control socket sees all that the commands need.
var _ admin.Server = (*serving)(nil)

// openControl opens the control socket and the address of the metrics. A control
// socket that nobody has asked for by name may be missing; all else is an error with
// its exit code.
func (s *serving) openControl(ctx context.Context) error {
	ctx = s.watch(ctx)
	if err := s.openMetrics(ctx); err != nil {
		return exit.With(exit.Address, err)
	}
	s.warnShared()
	return s.openSocket(ctx)
}

// watch looks at what may go wrong meanwhile. The context that it returns ends with close.
func (s *serving) watch(ctx context.Context) context.Context {
	watching, end := context.WithCancel(ctx)
	s.control.end = end
	s.control.done.Go(func() { s.metrics.Watch(watching, s.log) })
	s.control.done.Go(func() { s.keepPlaces(watching) })
	return watching
}

func (s *serving) openMetrics(ctx context.Context) error {
	if s.cfg.Control.Metrics == "" {
		return nil
	}
	ln, err := listen.Listen(ctx, listen.Spec{Address: s.cfg.Control.Metrics})
	if err == nil {
		s.serveMetrics(ln)
	}
	return s.srv.Clash(err)
}

// place is where the control socket is to be.
func (s *serving) place() admin.Place {
	p := admin.Place{Path: s.cfg.Control.Socket, Dir: s.srv.RuntimeDir(), Name: s.cfg.Apps[0].Name, Pid: os.Getpid(), Mode: s.cfg.Control.Mode, Group: s.cfg.Control.Group}
	if i := s.cfg.Account.Identity; i != nil && os.Geteuid() == 0 { // whom this process becomes may steer it, as root may
		p.User = strconv.FormatUint(uint64(i.UID), 10)
	}
	return p
}

// handoverTime is how long the process before may take to give its addresses up.
const handoverTime = 2 * time.Second

// takeControl opens both after an upgrade, as soon as the process before has closed
// its own. A process that serves does not end when that fails: it tells.
func (s *serving) takeControl(ctx context.Context) {
	ctx = s.watch(ctx)
	until := time.Now().Add(handoverTime)
	again := func(err error) bool {
		time.Sleep(10 * time.Millisecond) // nothing tells when another process closes a socket
		return errors.Is(err, syscall.EADDRINUSE) && time.Now().Before(until)
	}
	err := s.openMetrics(ctx)
	for again(err) {
		err = s.openMetrics(ctx)
	}
	if err != nil {
		s.log.Error("no_metrics", "error", err, "message", "the address of the metrics could not be taken over")
	}
	for again(s.place().InUse()) {
	}
	if err := s.openSocket(ctx); err != nil {
		s.log.Error("no_control_socket", "error", err, "message", "the control socket could not be taken over")
	}
}

func (s *serving) openSocket(ctx context.Context) error {
	place := s.place()
	if place.Path == "off" || place.Path == "" && place.Dir == "" { // which has had its record
		return nil
	}
	s.control.mu.Lock()
	defer s.control.mu.Unlock()
	err := s.serveSocket(ctx, place)
	switch {
	case err != nil && (place.Path != "" || place.Group != ""):
		return exit.With(exit.Address, s.srv.Clash(err))
	case err != nil:
		s.log.Warn("no_control_socket", "error", err, "message", "standpipe status and the other commands cannot reach this standpipe; --control names another place")
		return nil
	}
	if s.control.unlink, err = place.Announce(); err != nil {
		s.log.Debug("control_socket", "path", place.Path, "error", err, "message", "the commands find this socket by --control alone: no link to it could be made")
	}
	s.record("control_socket", "path", s.control.socket.Path())
	return nil
}

// started is when this process began.
var started = time.Now()

// serveSocket binds and serves; control.mu is held.
func (s *serving) serveSocket(ctx context.Context, place admin.Place) error {
	ln, err := admin.Listen(ctx, place)
	if err != nil {
		return err
	}
	s.control.socket = admin.Serve(ln, admin.NewHandler(admin.Options{
		Server: s, Failures: &s.failures, Metrics: s.metrics.Handler(), Log: s.log, Version: version, Started: started, Pid: os.Getpid(),
	}))
	return nil
}

// placesTick is the time between two looks at the folder for run-time files and at the control socket.
const placesTick = 3 * time.Second

// keepPlaces makes both again when they have gone: the end of a login session and cleaners of folders
// take them while the server runs. It ends with ctx.
func (s *serving) keepPlaces(ctx context.Context) {
	tick := time.NewTicker(placesTick)
	defer tick.Stop()
	told := false // of a socket that cannot be made
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		place := s.place() // makes the folder again
		lost := s.controlPath()
		if lost == "" || place.Path == "" && place.Dir == "" {
			continue
		}
		if _, err := os.Lstat(lost); !errors.Is(err, os.ErrNotExist) {
			continue
		}
		err := s.resumeSocket(ctx, place)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			s.log.Warn("control_socket_lost", "path", lost, "dir", filepath.Dir(s.controlPath()))
		case !told:
			s.log.Warn("no_control_socket", "error", err, "message", "the control socket has gone and cannot be made again; it is tried again every few seconds")
		}
		told = err != nil
	}
}

// resumeSocket serves on a new socket in the place of one whose file has gone. Commands that wait for an answer get it on the old one.
func (s *serving) resumeSocket(ctx context.Context, place admin.Place) error {
	if place.Path != "" {
		if err := os.MkdirAll(filepath.Dir(place.Path), 0o755); err != nil {
			return err
		}
	}
	s.control.mu.Lock()
	defer s.control.mu.Unlock()
	if err := ctx.Err(); err != nil { // closed: another process may have the place
		return err
	}
	old := s.control.socket
	if err := s.serveSocket(ctx, place); err != nil {
		return err
	}
	old.Retire()
	return nil
}

// controlPath is where the control socket is; empty: there is none.
func (s *serving) controlPath() string {
	s.control.mu.Lock()
	defer s.control.mu.Unlock()
	if s.control.socket == nil {
		return ""
	}
	return s.control.socket.Path()
}

func (s *serving) serveMetrics(ln net.Listener) {
	web := nethttp.New(metricsOnly(s.metrics.Handler(), s.srv.Health()), nethttp.Options{ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, Log: s.log})
	s.control.metrics = listen.NewGroup(listen.Options{MaxConnections: 64, Log: s.log,
		Limits: listen.Limits{Send: httpx.Pace{Silence: s.cfg.Limits.SendTimeout, Rate: s.cfg.Limits.MinRate}}})
	s.control.done.Go(func() { // ends with close
		if err := s.control.metrics.Serve(ln, web); err != nil {
			s.log.Error("listener_failed", "address", ln.Addr().String(), "error", err)
		}
	})
	s.record("metrics", "address", s.metricsURL(ln.Addr()))
	s.metricsAt = s.metricsURL(ln.Addr())
}

func (s *serving) metricsURL(a net.Addr) string {
	if a.Network() == "unix" {
		return "unix:" + a.String()
	}
	return "http://" + a.String() + "/metrics"
}

// metricsOnly is an address that answers nothing else.
func metricsOnly(h, health http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", h)
	mux.Handle("GET /", health)
	return mux
}

// closeControl ends it all; it may be called more than once.
func (s *serving) closeControl() {
	if s.control.end == nil {
		return
	}
	s.control.end()
	s.control.mu.Lock()
	if s.control.unlink != nil {
		s.control.unlink()
	}
	if s.control.socket != nil {
		s.control.socket.Close()
	}
	s.control.mu.Unlock()
	if s.control.metrics != nil {
		s.control.metrics.Close()
	}
	s.control.done.Wait()
}

// What follows is what the commands do (admin.Server).

// Pools are those of the apps that are there now.
func (s *serving) Pools() []admin.Pool {
	var list []admin.Pool
	for _, p := range s.srv.Pools() {
		list = append(list, p)
	}
	return list
}

// Stop is SIGTERM, but a second one does not kill.
func (s *serving) Stop() {
	if s.srv.IsStopping() || s.stopAsked.Swap(true) {
		return
	}
	select {
	case s.signals <- syscall.SIGTERM:
	default: // signals are waiting: it stops anyway
	}
}

// SetLevel sets the level of the log and all its named ones.
func (s *serving) SetLevel(level string) error {
	l, err := config.ParseLevel(level)
	if err != nil {
		return err
	}
	s.log.SetLevel(hclog.LevelFromString(l))
	return nil
}

// ReopenLogs opens the logs' files anew, and tells when that fails.
func (s *serving) ReopenLogs() error {
	err := s.srv.ReopenLogs()
	if err != nil {
		s.log.Error("logs_not_reopened", "error", strings.ReplaceAll(err.Error(), "\n", "; "), "message", "the logs go on in the files that are open")
		return fmt.Errorf("the log goes on in the file that is open: %w", err)
	}
	s.log.Info("logs_reopened")
	return nil
}

// About fills in what is no app's.
func (s *serving) About(st *admin.Status) {
	st.Addresses, st.Stopping, st.LogLevel = s.srv.Addresses(), s.srv.IsStopping(), strings.ToLower(s.log.GetLevel().String())
	if st.Addresses == nil {
		st.Addresses = []string{}
	}
	st.Folders = folders(s.srv.Config())
}

// folders are what this is the standpipe of.
func folders(cfg *config.Config) []string {
	list := []string{cfg.Dir}
	add := func(dir string) {
		if !slices.Contains(list, dir) {
			list = append(list, dir)
		}
	}
	if cfg.File != "" {
		add(filepath.Dir(cfg.File))
	}
	for i := range cfg.Apps {
		add(cfg.Apps[i].Dir)
		if link := cfg.Apps[i].Link; link != "" {
			add(link)
		}
	}
	return list
}

// Static lists folders for status --static.
func (s *serving) Static(app string) (list []admin.Folder) {
	files := s.files()
	if app != "" {
		files = s.srv.Static(app)
	}
	for _, f := range files {
		d := admin.Folder{App: f.App, URL: f.URL, Dir: f.Dir, How: f.How, State: "served"}
		switch {
		case f.Trouble != "":
			d.State, d.Reason = "trouble", f.Trouble
		case f.Refused != "":
			d.State, d.Reason = "app", f.Refused
		}
		list = append(list, d)
	}
	return list
}

// countedPools are the same pools, for the metrics.
func (s *serving) countedPools() []metrics.Pool {
	var list []metrics.Pool
	for _, p := range s.srv.Pools() {
		list = append(list, p)
	}
	return list
}
