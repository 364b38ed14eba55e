package supervisor

import (
	"fmt"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// Event is something that happened to a worker or to a pool: one of the types below. Logs and metrics are made from events; no
// decision depends on them.
type Event interface{ event() }

// Who says which worker an event is about.
type Who struct {
	App        string
	Worker     string // "shop/3"
	Pid        int    // 0: there was no process
	Generation int
}

// titled appends the title that ps shows of the process to the arguments of a command. The shim removes it.
func (w Who) titled(args []string) []string {
	return append(args[:len(args):len(args)], fmt.Sprintf("standpipe: %s gen %d", w.Worker, w.Generation))
}

// WorkerStarted: the process runs.
type WorkerStarted struct{ Who }

// WorkerHello: the interpreter runs and the import begins.
type WorkerHello struct {
	Who
	Hello *wire.Hello
}

// WorkerReady: the worker takes requests.
type WorkerReady struct {
	Who
	Ready *wire.Ready
	// Took is the time since the start of the process.
	Took time.Duration
	// Count of workers that are ready, and of slots.
	Count, Of int
}

// WorkerWaits: a worker is not ready yet, or (Stopping) it was told to leave and has not ended.
type WorkerWaits struct {
	Who
	State State
	Since time.Duration // since its start, or since it was told to leave
	// Stacks of its threads; empty: they could not be taken.
	Stacks string
}

// BootFailure: a worker ended, or was ended, before it was ready.
type BootFailure struct {
	Who
	// Failed is the message of the worker; nil: it sent none.
	Failed *wire.Failed
	// Err is the cause when Failed is nil: no process, a death, a timeout.
	Err error
	// Stacks of its threads when its time was over; may be empty.
	Stacks string
	// Output is the end of its output, at most 64 KiB.
	Output string
	// Outside: it was killed from outside, not by standpipe.
	Outside bool
	// Retry is when the next start is tried.
	Retry time.Duration
}

func (e *BootFailure) Error() string {
	if e.Failed != nil {
		return e.Failed.Message
	}
	return e.Err.Error()
}

func (e *BootFailure) Unwrap() error { return e.Err }

// WorkerExit: a process has ended; exactly one for each that was started.
type WorkerExit struct {
	Who
	State  State // in which it died
	Reason Reason
	Exit   process.Exit
	// Ours: standpipe sent the signal that ended it.
	Ours     bool
	Up       time.Duration
	Served   int64
	InFlight []shim.InFlight
	// Fate says whether those may be run once more.
	Fate shim.Fate
	// RSS in bytes when it was last looked at; 0: it was not.
	RSS int64
	// Limit is MaxRSS; 0: there is none, or the size is not known. Growth is what RSS
	// has grown by since it was ready, and Grew which requests grew it most.
	Limit, Growth int64
	Grew          []Grown
	// Err is the error that made it leave, if any: a protocol error, say.
	Err error
	// Stacks of a worker that was killed for its size, or of one that crashed; may be
	// empty.
	Stacks string
}

// Late reports whether it was killed because it did not end in time after it was asked to leave.
func (e WorkerExit) Late() bool {
	return e.Ours && e.Exit.SignalName == "SIGKILL" && (e.Reason.ends() || e.Reason.finishes())
}

// TemplateStarted: the process that is to import the app and to fork the workers
// runs. Who.Worker is "shop/template".
type TemplateStarted struct{ Who }

// TemplateReady: it has imported the app. Took is the time since its start.
type TemplateReady struct {
	Who
	Ready *wire.Ready
	Took  time.Duration
}

// TemplateExit: it has ended; its workers live on. Exactly one for each
// TemplateStarted. Reason None: it was not asked to end.
type TemplateExit struct {
	Who
	Reason Reason
	Exit   process.Exit
	// Ours: standpipe sent the signal that ended it.
	Ours bool
	Up   time.Duration
	// Forks is how many workers it has made.
	Forks int
	// Err is why it was killed, if it was.
	Err error
}

// Reloaded: a new generation serves in all slots.
type Reloaded struct {
	App        string
	Generation int
	Release    string // its folder, links resolved; empty: not known
}

// ReloadFailed: a new generation could not boot; the one before it keeps serving. It
// is also Reload's error.
type ReloadFailed struct {
	BootFailure
	Serving int // that generation
	// Release is the folder of the new generation, ServingRelease that of the one that
	// serves; links are resolved; empty: not known.
	Release, ServingRelease string
	// Cutover: requests get the failure, not what the old generation would answer (Options.Cutover).
	Cutover bool
}

func (e *ReloadFailed) Error() string {
	if e.Cutover {
		return fmt.Sprintf("the code of %q does not start; requests get this failure until it does. %v", e.App, &e.BootFailure)
	}
	return fmt.Sprintf("reload of %q failed: generation %d did not start, generation %d keeps serving. %v", e.App, e.Generation, e.Serving, &e.BootFailure)
}

func (e *ReloadFailed) Unwrap() error { return &e.BootFailure }

// Scaled: the pool has another number of slots.
type Scaled struct {
	App      string
	From, To int
	Why      string
}

// RequestExpired: a request ran longer than it may.
type RequestExpired struct {
	Who
	Request shim.InFlight
	Why     string
	Stacks  string
	Earlier string // the stacks of a first look: the request is stuck when both have the same line
}

// Refused: requests were refused because too many wait, or waited too long. It is reported at most once a second, for all
// requests since the last report.
type Refused struct {
	App string
	// Full requests found the queue full; TimedOut ones waited too long.
	Full, TimedOut int
	// Waiting of at most Limit (0: no limit); Oldest is how long the first waits.
	Waiting, Limit int
	Oldest         time.Duration
	// Busy workers of Workers.
	Busy    []BusyWorker
	Workers int
}

// Output: the worker printed something, or something that it started did.
type Output struct {
	Who
	// ID of the request that it belongs to; empty: none, or it is not known.
	ID string
	// Level is the level that Python's logging gave it: debug, info, warn, error; empty: it
	// came another way.
	Level string
	// Text is one line, or several that belong together (a traceback); without
	// the last newline; at most 64 KiB.
	Text string
}

// ShimLog: the shim has logged something.
type ShimLog struct {
	Who
	Request *shim.Label // nil: about no request
	Record  *wire.LogRecord
}

func (WorkerStarted) event()   {}
func (WorkerHello) event()     {}
func (WorkerReady) event()     {}
func (WorkerWaits) event()     {}
func (BootFailure) event()     {}
func (WorkerExit) event()      {}
func (RequestExpired) event()  {}
func (Output) event()          {}
func (Refused) event()         {}
func (ShimLog) event()         {}
func (TemplateStarted) event() {}
func (TemplateReady) event()   {}
func (TemplateExit) event()    {}
func (Reloaded) event()        {}
func (Scaled) event()          {}
