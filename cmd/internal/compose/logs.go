package compose

import (
	"io"
	"time"

	"github.com/standpipe/standpipe/bridge/accesslog"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
	"github.com/standpipe/standpipe/cmd/internal/terminal"
)

// accessLog is the access log, where it goes.
type accessLog struct {
	log    *accesslog.Log  // nil: off
	stdout *logfile.Outlet // nil: it goes elsewhere
}

func openAccessLog(cfg *config.Config, log *logfile.Log, stdout io.Writer) (*accessLog, error) {
	a := new(accessLog)
	if cfg.Logs.Access == "off" {
		return a, nil
	}
	if cfg.Logs.Access == "-" {
		a.stdout = logfile.NewOutlet(stdout, log.DroppedAccess)
	}
	people := cfg.Logs.Access == "-" && logfile.IsTerminal(stdout)
	format := accesslog.Combined
	switch {
	case cfg.Logs.AccessFormat == "json":
		format = accesslog.JSON
	case cfg.Logs.AccessFormat == "short", cfg.Logs.AccessFormat == "auto" && people:
		format = accesslog.Short
	}
	limiter := &httpx.LogLimiter{Every: time.Minute}
	failed := func(err error) {
		if limiter.Allow("", time.Now()) {
			log.Error("access_log", "error", err)
		}
	}
	var err error
	a.log, err = accesslog.New(logfile.Access(cfg.Logs.Access, cfg.Account.Identity, a.stdout), format, failed)
	if err == nil && people {
		a.log.For(accesslog.Terminal{Color: terminal.PaintFor(stdout).On, Width: func() int { return logfile.Width(stdout) }})
	}
	return a, err
}

// AccessOutput is the standard output that the access log goes to; nil: it goes elsewhere.
func AccessOutput(s *Server) *logfile.Outlet { return s.parts.access.stdout }

func (a *accessLog) reopen() error {
	if a.log == nil {
		return nil
	}
	return a.log.Reopen()
}

func (a *accessLog) close() {
	if a.log != nil {
		a.log.Close()
	}
	if a.stdout != nil {
		a.stdout.Close()
	}
}
