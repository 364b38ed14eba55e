package config

import (
	"io/fs"
	"net/netip"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/discover"
)

// SpoolAuto is a SpoolTotal or AnswerTotal that is worked out at the start.
const SpoolAuto = -1

// Config is what standpipe runs with: plain data, complete, checked. Every path in it is absolute. It does not change
// after Load has returned it. A limit of 0 means "no limit", everywhere.
type Config struct {
	File string // the TOML file that was read; empty: none
	Dir  string // the directory that standpipe was started in

	Listen   []Listen   // at least one
	Apps     []App      // at least one; names are unique
	Routes   []Route    // requests for other servers: the first match wins; apps answer the rest
	Static   []Static   // folders of files for the whole server
	Internal []Internal // what X-Accel-Redirect may name; none: the field passes like any other

	Trust     Trust
	Responses Responses
	Files     Files
	Folders   Folders
	Limits    Limits
	Logs      Logs
	Stop      Stop
	Control   Control
	Account   Account

	MemoryLimit int64 // bytes that the machine has, or our control group may have; no setting; 0: unknown

	// Warnings are sentences for the log: the configuration is legal, but something in it has no effect
	// (GUNICORN_CMD_ARGS, a STANDPIPE_ variable that is not a setting).
	Warnings []string
}

// Limits are what clients may send and take, and how long that may last. Sizes are in bytes.
type Limits struct {
	BufferBody    int64         // of a request body that is kept in memory; more goes to a file; 0: all in memory
	MaxBody       int64         // of a request body; more is answered 413
	BodyTimeout   time.Duration // silence while a body arrives; then 408
	SendTimeout   time.Duration // silence while a response waits for its client; then the connection is reset
	MinRate       int64         // bytes per second that a client sends or takes at least, while it is waited for
	TunnelTimeout time.Duration // silence of an upgraded connection
	HeaderTimeout time.Duration // for the whole of a request's head; then the connection is closed
	IdleTimeout   time.Duration // between two requests on one connection
	MaxHead       int64         // of request line and fields together; more is answered 431
	MaxConns      int           // open client connections; at the limit accepting waits
	SpoolTotal    int64         // of all request bodies in files together; SpoolAuto: by the folder's free space
	AnswerTotal   int64         // of all responses in files together; SpoolAuto: likewise

	// What waits for a client that is slower than its app.
	ResponseMemory int64 // of one response in memory; more goes to a file; 0: only what all of them share bounds it
	SpoolMax       int64 // of one response in its file; beyond it the app waits
}

// Trust says which peers may name another client (X-Forwarded-*, Forwarded, X-Real-IP), and by which fields.
type Trust struct {
	Proxies []netip.Prefix
	Unix    bool     // peers on unix sockets are trusted
	Fields  []string // as forwarded.ParseFields reads them
}

// Responses are what standpipe itself responds with.
type Responses struct {
	HealthPath   string         // in front of /livez and /readyz: "/" or "/-/health"; "off": they are not answered
	ServerHeader string         // the Server field; empty: none
	ErrorPages   map[int]string // status -> file
}

// Files are the settings of all files that are served without an app.
type Files struct {
	Overlap         time.Duration // how long a folder that a reload replaced is still searched
	Cache           int64         // bytes of file contents in memory
	CompressTypes   []string      // media types
	CompressMin     int64         // bytes
	CompressCodings []string      // "br", "zstd", "gzip"
}

// Folders are where standpipe writes.
type Folders struct {
	Spool   string // for large bodies and responses; empty: $TMPDIR if set, else the run-time folder
	Runtime string // empty: RUNTIME_DIRECTORY, XDG_RUNTIME_DIR and so on are tried
}

// Logs are the two logs.
type Logs struct {
	Access       string // "-" standard output, "off", or a file
	AccessFormat string // "combined" or "json"
	Error        string // "-" standard error, or a file
	Level        string // trace, debug, info, warn, error
	Format       string // auto, text, json
}

// Stop is the time from the first signal to the exit.
type Stop struct {
	Timeout   time.Duration // everything
	Delay     time.Duration // keep serving, so that load balancers can notice; first part of the budget
	Graceful  time.Duration // running requests may finish
	TermGrace time.Duration // between a worker's SIGTERM and its SIGKILL
}

// Control is how a running server is controlled and measured.
type Control struct {
	Socket  string      // the control socket's path; "off": none; empty: in the run-time folder
	Mode    fs.FileMode // of the control socket; 0: 0600, or 0660 with Group
	Group   string      // of the control socket; empty: the process's
	Metrics string      // host:port or unix:/path of the metrics; empty: on the control socket alone
}

// Account is the user that the serving process becomes.
type Account struct {
	User, Group string    // as set
	Identity    *Identity // what that is; nil: the process stays what it is
}

// Listen is one address to take connections on.
type Listen struct {
	Network  string      // "tcp", "unix" or "fd"
	Address  string      // "127.0.0.1:8000", ":8000", "[::1]:8000"; an absolute path; the descriptor's number
	Protocol string      // "http" or "uwsgi"
	Mode     fs.FileMode // of a unix socket
	User     string      // owner of a unix socket, a name or a number; empty: as it is
	Group    string      // likewise
	Backlog  int         // connections that wait for accept

	scheme string // the protocol that Address was written with; empty: with none
}

// App is one Python application with workers of its own.
type App struct {
	Name   string // unique; letters, digits, dot, dash, underscore
	Module string // what to load, as the user wrote it; empty: Candidates are tried
	How    string // how Module was found if the user did not name it for this app ("FLASK_APP"); else empty

	Dir        string // absolute; the workers' working directory and first on sys.path
	Link       string // Dir as configured, where Release has resolved it; else empty
	Python     string // as set; empty: found
	Venv       string // as set; empty: found
	Env        []EnvVar
	EnvFile    []string // absolute; already read into Env
	PythonPath []string // absolute

	Mount string   // "/" or "/shop": starts with a slash, does not end with one
	Hosts []string // lower case, "shop.example.org" or "*.example.org"; none: every host

	Workers  Workers
	Requests Requests
	Files    AppFiles
	Life     Life
	Confine  Confine

	Interpreter discover.Interpreter // the python to run; checked
	LinkPython  string               // its path as it was found, where Release has resolved it; else empty
	Candidates  []string             // when Module is empty: files relative to Dir, in the order to try

	// Broken is why the app cannot be started now: its folder or its interpreter is missing. Interpreter is then empty.
	// Only for a tolerant caller; see Again. nil: nothing is missing.
	Broken error

	wish   discover.Wish // how Interpreter was looked for
	unread bool          // EnvFile waits for Dir
}

// Workers are how many workers an app has, and how many requests one of them runs at a time.
type Workers struct {
	Min     int    // the number of workers; with Max above it, the lowest
	Max     int    // the highest
	Reason  string // why so many, when it was not set: "4 cpus, limit 1GiB"; else empty
	Threads int    // requests at a time in one worker
	Gevent  int    // requests at a time in one worker, as greenlets; 0: no gevent, Threads counts
}

// Requests are how an app's requests are run.
type Requests struct {
	Timeout time.Duration // from the start of the app's call to its first body bytes, or its end
	// StreamTimeout is how long the app may be silent within its response; the time in which the client takes nothing
	// does not count.
	StreamTimeout    time.Duration
	Prefetch         int           // requests that a busy worker with one thread may be sent beyond the one that it runs
	OnDisconnect     string        // "finish" or "cancel": what happens in the app when its client disconnects
	Buffering        string        // "on": a worker is taken when the request body is complete; "off": before it is read
	Queue            int           // requests that may wait for a worker
	QueueTimeout     time.Duration // how long one may wait; then 503
	Retry            string        // "safe" or "never": whether a started GET, HEAD or OPTIONS may be run a second time
	UnderscoreFields []string      // names of request fields with "_" that the app gets all the same
}

// AppFiles are the files that are served without the app, and what it sends by name.
type AppFiles struct {
	Static         []Static
	Mode           string   // StaticAuto, StaticForce or StaticOff; empty: StaticAuto
	FollowSymlinks bool     // in its static folders
	CompressStatic bool     // static files, when they are asked for
	CompressApp    bool     // the app's own responses
	SendfileRoots  []string // absolute; folders of which X-Sendfile may name files; none: the field passes like any other
	tables         []group  // [[app.static]], until they are read
}

// Life is when workers start, are replaced and end. A worker that is replaced serves until the next one is ready.
type Life struct {
	BootTimeout  time.Duration // from a worker's start to Ready
	Preload      bool          // a template imports the app and forks the workers
	Surge        Share         // workers more than configured during a reload
	Warmup       []string      // paths that a new worker has to answer before it serves
	IdleStop     time.Duration // without a request, after which all workers are stopped
	MaxRequests  int           // that one worker serves
	Jitter       Share         // of MaxRequests and MaxLifetime, added at random
	MaxLifetime  time.Duration // of one worker
	MaxRSS       int64         // bytes; a larger worker is replaced
	HardRSS      int64         // bytes; a larger worker is killed
	Reload       bool          // when a file of its modules changes
	TouchReload  []string      // absolute; the app is reloaded when one of them changes
	DrainTimeout time.Duration // for the requests of a worker that is replaced
}

// Confine is what an app's workers run as and are confined to; nil and 0: as standpipe itself.
type Confine struct {
	User, Group string // as set
	Groups      []string
	Identity    *Identity // what that is; nil: as the server
	NeedsRoot   bool      // the workers' user or limits need root, which the server may have dropped

	Umask, Nice             *int
	LimitAS                 int64 // bytes
	LimitNofile, LimitNproc int
	LimitCPU                time.Duration
	NoNewPrivs              string // "on" or "off"

	// Of all workers together, in a control group.
	MemoryMax int64 // bytes
	CPUMax    int64 // hundredths of a processor
	PidsMax   int
}

// EnvVar is one variable for an app's workers. In a list a later one of the same name wins.
type EnvVar struct {
	Name, Value string
	Source      Source
}

// Environ is the app's own variables as NAME=VALUE, each name once.
func (a *App) Environ() []string {
	last := make(map[string]int, len(a.Env))
	for i, v := range a.Env {
		last[v.Name] = i
	}
	out := make([]string, 0, len(last))
	for i, v := range a.Env {
		if last[v.Name] == i {
			out = append(out, v.Name+"="+v.Value)
		}
	}
	return out
}

// String is the address as one would write it after -b.
func (l Listen) String() string {
	if l.Protocol == "" || l.Protocol == "http" {
		return l.Place()
	}
	if l.Network == "tcp" {
		return l.Protocol + "://" + l.Address
	}
	return l.Protocol + "+" + l.Place()
}

// Place is the address without its protocol.
func (l Listen) Place() string {
	switch l.Network {
	case "unix":
		return "unix:" + l.Address
	case "fd":
		return "fd://" + l.Address
	default:
		return l.Address
	}
}
