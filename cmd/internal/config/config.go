package config

import (
	"io/fs"
	"net/netip"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/discover"
)

// SpoolAuto is a SpoolTotal or AnswerTotal that is worked out at the start.
const SpoolAuto = -1

// Config is what standpipe runs with: plain data, complete, checked by Validate. Every path in it is absolute. Nobody
// changes it after Load has returned it. A limit of 0 means "no limit", everywhere.
type Config struct {
	File string // the TOML file that was read; empty: none
	Dir  string // the directory that standpipe was started in

	Listen []Listen // at least one
	Apps   []App    // at least one; names are unique

	// What a client may send.
	BufferBody    int64         // octets of a request body that are kept in memory; more goes to a file; 0: all in memory
	MaxBody       int64         // octets of a request body; more is answered 413
	BodyTimeout   time.Duration // silence while a body arrives; then 408
	SendTimeout   time.Duration // silence while an answer waits for its client; then the connection is reset
	MinRate       int64         // bytes per second that a client sends or takes at least, while it is waited for
	TunnelTimeout time.Duration // silence of an upgraded connection
	HeaderTimeout time.Duration // for the whole of a request's head; then the connection is closed
	IdleTimeout   time.Duration // between two requests on one connection
	MaxHead       int64         // octets of request line and fields together; more is answered 431
	MaxConns      int           // open client connections; at the limit accepting waits
	SpoolDir      string        // where large bodies and answers are kept; empty: $TMPDIR if set, else the run-time folder
	SpoolTotal    int64         // bytes of all request bodies in files together; SpoolAuto: by the folder's free space
	AnswerTotal   int64         // bytes of all answers in files together; SpoolAuto: likewise
	MemoryLimit   int64         // bytes that the machine has, or our control group may have; no setting; 0: unknown

	// What waits for a client that is slower than its app.
	ResponseMemory int64 // octets of one answer in memory; more goes to a file; 0: only what all of them share bounds it
	SpoolMax       int64 // octets of one answer in its file; beyond it the app waits

	// Who may speak for a client (X-Forwarded-*, Forwarded, X-Real-IP).
	TrustedProxies []netip.Prefix
	TrustUnix      bool     // peers on unix sockets are trusted
	TrustedFields  []string // what of their fields counts: as server.ParseFields reads them

	Routes []Route // what other servers answer, the first match wins; apps answer the rest

	// Files that are served without an app.
	Static          []Static      // for the whole server
	StaticOverlap   time.Duration // how long a folder that was replaced by a reload is still looked into
	StaticCache     int64         // octets of files in memory
	CompressTypes   []string      // media types
	CompressMin     int64         // octets
	CompressCodings []string      // "br", "zstd", "gzip"

	Internal []Internal // what X-Accel-Redirect may name; none: the field is nobody's here

	HealthPath string // stands in front of /livez and /readyz: "/" or "/-/health"; "off": they are not answered

	ServerHeader string         // the Server field; empty: none
	ErrorPages   map[int]string // status -> file

	AccessLog       string // "-" standard output, "off", or a file
	AccessLogFormat string // "combined" or "json"
	ErrorLog        string // "-" standard error, or a file
	LogLevel        string // trace, debug, info, warn, error
	LogFormat       string // auto, text, json

	// From the first signal to the exit.
	StopTimeout     time.Duration // everything
	ShutdownDelay   time.Duration // keep serving, so that balancers can notice; first part of the budget
	GracefulTimeout time.Duration // running requests may finish
	TermGrace       time.Duration // between a worker's SIGTERM and its SIGKILL

	Control      string      // the control socket's path; "off": none; empty: in the run-time folder
	ControlMode  fs.FileMode // of the control socket; 0: 0600, or 0660 with ControlGroup
	ControlGroup string      // of the control socket; empty: the process's
	Metrics      string      // host:port or unix:/path of the metrics; empty: on the control socket alone

	// Whom the serving process becomes, as set, and what that is; nil: it stays what it is.
	User, Group string
	Identity    *Identity

	RuntimeDir string // as set by the user; empty: RUNTIME_DIRECTORY, XDG_RUNTIME_DIR and so on are tried

	// Warnings are sentences for the log: nothing is wrong enough to stop, but somebody may believe in a thing that
	// has no effect (GUNICORN_CMD_ARGS, a STANDPIPE_ variable that is no setting).
	Warnings []string
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
	How    string // how Module was found if the user did not say it for this app ("FLASK_APP"); else empty

	Dir        string // absolute; the workers' working directory and first on sys.path
	Link       string // Dir as configured, where Release has resolved it; else empty
	Python     string // as set; empty: found
	Venv       string // as set; empty: found
	Env        []EnvVar
	EnvFile    []string // absolute; already read into Env
	PythonPath []string // absolute

	UnderscoreFields []string // names of request fields with "_" that the app gets all the same

	SendfileRoots []string // absolute; folders of which X-Sendfile may name files; none: the field is nobody's here

	Static         []Static // served without the app
	StaticMode     string   // StaticAuto, StaticForce or StaticOff; empty: StaticAuto
	FollowSymlinks bool     // in its static folders
	StaticCompress bool     // static files, when they are asked for
	Compress       bool     // the app's own answers
	tables         []group  // [[app.static]], until they are read

	Mount string   // "/" or "/shop": starts with a slash, does not end with one
	Hosts []string // lower case, "shop.example.org" or "*.example.org"; none: every host

	Workers       int    // where MaxWorkers is more, the least
	MaxWorkers    int    // with Workers = MaxWorkers the number is fixed
	WorkersReason string // why so many, when nobody set it: "4 cpus, limit 1GiB"; else empty
	Threads       int    // requests at a time in one worker
	Gevent        int    // requests at a time in one worker, as greenlets; 0: no gevent, Threads counts

	Timeout time.Duration // from the start of the app's call to its first body octets, or its end
	// StreamTimeout is how long the app may be silent within its answer; the time in which the client takes nothing does
	// not count.
	StreamTimeout time.Duration
	Prefetch      int    // requests that a busy worker with one thread may be sent beyond the one that it runs
	OnDisconnect  string // "finish" or "cancel": what a client's leaving means to the app
	// RequestBuffering is "on" (a worker is taken when the request body is complete) or "off" (before it is read).
	RequestBuffering string
	Queue            int           // requests that may wait for a worker
	QueueTimeout     time.Duration // how long one may wait; then 503
	BootTimeout      time.Duration // from a worker's start to Ready
	Retry            string        // "safe" or "never": whether a started GET, HEAD or OPTIONS may be run a second time

	// The ends of a worker's life. A worker that is replaced serves on until the next one is ready.
	Preload      bool          // a template imports the app and forks the workers
	Surge        Share         // workers more than configured during a reload
	Warmup       []string      // paths that a new worker has to answer before it serves
	IdleStop     time.Duration // without a request, after which all workers are stopped
	MaxRequests  int           // that one worker serves
	Jitter       Share         // of MaxRequests and MaxLifetime, added at random
	MaxLifetime  time.Duration // of one worker
	MaxRSS       int64         // octets; a larger worker is replaced
	HardRSS      int64         // octets; a larger worker is killed
	Reload       bool          // when a file of its modules changes
	TouchReload  []string      // absolute; the app is reloaded when one of them changes
	DrainTimeout time.Duration // for the requests of a worker that is replaced

	// Whom the workers run as, as set, and what that is; nil: whoever the server is.
	User, Group string
	Groups      []string
	Identity    *Identity
	NeedsRoot   bool // the workers' user or limits need root, which the server may have given up

	// What the workers are confined to; nil and 0: as standpipe itself.
	Umask, Nice             *int
	LimitAS                 int64 // octets
	LimitNofile, LimitNproc int
	LimitCPU                time.Duration
	NoNewPrivs              string // "on" or "off"
	// Of all workers together, in a control group.
	MemoryMax int64 // octets
	CPUMax    int64 // hundredths of a processor
	PidsMax   int

	Interpreter discover.Interpreter // the python to run; checked
	LinkPython  string               // its path as it was found, where Release has resolved it; else empty
	Candidates  []string             // when Module is empty: files relative to Dir, in the order to try

	// Broken is why the app cannot be started now: its folder or its interpreter is missing. Interpreter is then empty.
	// Only for a tolerant caller; see Again. nil: nothing is missing.
	Broken error

	wish   discover.Wish // how Interpreter was looked for
	unread bool          // EnvFile waits for Dir
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
