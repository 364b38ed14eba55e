package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/supervisor"
)

// Pool is what the commands need of an app's workers.
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

// Server is what the commands need of standpipe.
type Server interface {
	// Pools are those of the apps that are there at this moment.
	Pools() []Pool
	// Reload puts new code in force, for one app or (empty) all, and returns when that
	// has ended; with ctx's error it goes on.
	Reload(ctx context.Context, app string) error
	// Stop begins an orderly stop, and returns at once.
	Stop()
	// SetLevel sets the log's level: one of the setting log_level.
	SetLevel(level string) error
	// ReopenLogs reopens the files of the logs.
	ReopenLogs() error
	// About fills in what is no app's: Addresses, LogLevel, Folders, Stopping.
	About(*Status)
	// Static lists the folders of files, of one app or (empty) of all and the server's.
	Static(app string) []Folder
}

// Options are what a Handler answers with.
type Options struct {
	Server   Server
	Failures *Failures
	Metrics  http.Handler // at /metrics; nil: nothing is there
	Log      hclog.Logger // gets a record for each command that changes something
	Version  string
	Started  time.Time
	Pid      int
}
