package admin

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/access"
	"github.com/standpipe/standpipe/bridge/cache"
	"github.com/standpipe/standpipe/bridge/maintain"
	"github.com/standpipe/standpipe/cmd/internal/certs"
	"github.com/standpipe/standpipe/cmd/internal/monitor"
	"github.com/standpipe/standpipe/supervisor"
)

// Pool is what the commands need of the workers of an app.
type Pool interface {
	App() string
	Stats() supervisor.Stats
	Workers() []supervisor.WorkerInfo
	Templates() []supervisor.TemplateInfo
	Failure() *supervisor.BootFailure
	Resize(n int) (from int, err error)
	Restart(ctx context.Context, number int) error
	Dump(ctx context.Context, number int) (string, error)
	Pause() bool
	Resume() bool
}

// Server is what the commands need of the server.
type Server interface {
	// Pools are those of the present apps.
	Pools() []Pool
	// Reload puts new code in force, for one app or (empty) all, and returns when that has
	// ended. If it returns ctx's error, the reload continues.
	Reload(ctx context.Context, app string) error
	// Stop begins an orderly stop, and returns at once.
	Stop()
	// SetLevel sets the level of the log: a value of the setting log_level.
	SetLevel(level string) error
	// ReopenLogs reopens the log files.
	ReopenLogs() error
	// Ready reports whether an app, or (empty) every app, takes requests: what /readyz answers.
	// known is false when there is no such app.
	Ready(app string) (ready, known bool)
	// About fills in what does not belong to an app: Addresses, LogLevel, Folders, Stopping.
	About(*Status)
	// Static lists the folders of static files, of one app or (empty) of all apps and the server.
	Static(app string) []Folder
	// Certificates are those of HTTPS, those that are missing too.
	Certificates() []certs.Info
	// RenewCertificate obtains a new certificate now. The errors include acme.ErrNone and
	// acme.ErrUnknownName.
	RenewCertificate(ctx context.Context, name string) error
	// Deny refuses a network from now on. The errors include ErrUpgrading and access.ErrFull.
	Deny(e access.Entry) error
	// Allow ends that; false: the network was not denied.
	Allow(network netip.Prefix) (bool, error)
	// Denied lists what is denied at run time.
	Denied() []access.Entry
	// Maintenance is what is under maintenance.
	Maintenance() *maintain.List
	// Persist writes what Deny, Allow and Maintenance have changed, and reports whether it outlives a restart.
	Persist() bool
	// Purge removes entries of the HTTP cache, of an app or (empty) of all, and returns how many. The errors include
	// cache.ErrOff and cache.ErrPurgeText.
	Purge(ctx context.Context, app string, p cache.Purges) (int, error)
	// Upgrading reports that another process has a copy of what commands change.
	Upgrading() bool
}

// ErrUpgrading is the error of a command whose effect an upgrade would lose.
var ErrUpgrading = errors.New("an upgrade is in progress; give the command again when it has ended")

// Monitor has the figures of requests. app is one app, or (empty) all.
type Monitor interface {
	Figures(app string) monitor.Figures
	History(app string) monitor.History
	// Dumped notes the stacks of a worker.
	Dumped(worker, stacks string)
}

// Options are what a Handler works with.
type Options struct {
	Server   Server
	Failures *Failures
	Metrics  http.Handler // at /metrics; nil: none
	Monitor  Monitor      // at /v1/top and /v1/history
	Log      hclog.Logger // gets a record for each command that changes something
	Version  string
	Started  time.Time
	Pid      int
}
