package supervisor

import (
	"context"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// Options are what a Pool runs, and how.
type Options struct {
	// App names the pool in events and in its workers' names ("shop/3").
	App string
	// Command returns the command to run. It is called for each start, and has to return the
	// command that this generation was made from: links, the interpreter and files of variables are
	// resolved once. Its error is a boot failure.
	Command func() (process.Command, error)
	// Boot is the workers' boot message; Worker and Generation are filled in.
	Boot wire.Boot
	// Hash is the hash that Hello must name: the content hash of the shim that Command runs.
	// Empty: not checked.
	Hash string
	// Workers is the number of slots, at least 1; where MaxWorkers is more, the least.
	Workers int
	// MaxWorkers is how many slots the pool may grow to while requests wait; 0 or
	// Workers: it keeps its size.
	MaxWorkers int
	// IdleStop is how long no request may come before all workers are stopped; the
	// next request starts them. 0: never.
	IdleStop time.Duration
	// Surge is how many workers more than the slots may live during a reload; 0: a
	// quarter of them, at least 1.
	Surge int
	// StopFirst: a worker that is to be replaced has ended before the next one of its
	// slot is started, also in a reload, where one slot moves at a time. Requests wait
	// while no worker serves, even longer than QueueTimeout.
	StopFirst bool
	// Cutover: the first worker of a generation that is ready takes all requests, and those of older ones get
	// no more. A reload returns then, and ends one that runs, with ErrSuperseded.
	Cutover bool
	// Warmup is run with each worker that is ready, before it takes requests; its
	// error is a boot failure. ctx ends with BootTimeout. nil: there is none.
	Warmup func(ctx context.Context, open func(shim.Label) (*shim.Exchange, error)) error
	// MaxRequests is how many requests a worker serves before it is replaced; 0: no
	// limit. MaxLifetime likewise is its age. To each of them up to Jitter (0.1: a
	// tenth) is added at random for each worker.
	MaxRequests int64
	MaxLifetime time.Duration
	Jitter      float64
	// MaxRSS is the resident size, in bytes, above which a worker is replaced;
	// HardRSS that above which it is killed; 0: no limit.
	MaxRSS, HardRSS int64
	// SampleEvery is how often the workers' size is looked at; 0: never.
	SampleEvery time.Duration
	// DrainLimit is how long a worker that is replaced may finish what it runs; 0:
	// no limit.
	DrainLimit time.Duration
	// Threads is how many requests a worker runs at a time; 0 means 1.
	Threads int
	// Prefetch is how many requests a busy worker with one thread may be sent beyond
	// the one that it runs, while they are short; 0: none.
	Prefetch int
	// SharedMemory bounds the memory that workers share with this process, of all pools that
	// have the same; nil: no limit.
	SharedMemory *shim.SharedBudget
	// Queue is how many requests may wait for a worker; 0: no limit.
	Queue int
	// QueueTimeout is how long one may wait; 0: no limit.
	QueueTimeout time.Duration
	// BootTimeout is how long a worker may take from its start to Ready; 0: no limit.
	BootTimeout time.Duration
	// BootTick is how often a worker that boots, or that has been told to leave and runs
	// nothing any more, is reported as WorkerWaits; 0: never.
	BootTick time.Duration
	// BootLimit is how many workers of a generation boot at a time, and twice as many once one of
	// them was ready; 0: no limit.
	BootLimit int
	// Boots bounds how many workers boot at a time in all pools that have the same; nil:
	// there is no such limit.
	Boots *BootLimiter
	// DrainGrace is how long the other requests of a worker may run on after one
	// of them timed out; 0: not at all.
	DrainGrace time.Duration
	// InterruptGrace is how long a request may run on after the app's work for it
	// was interrupted, before the worker is stopped; 0: not at all.
	InterruptGrace time.Duration
	// TermGrace is the time between SIGTERM and SIGKILL; 0: none.
	TermGrace time.Duration
	// Preload has the workers forked by a process that has imported the app: Command
	// then names that process only. Linux only.
	Preload bool
	// Purge removes entries of the HTTP cache when the app asks for it, and returns how many; it has to
	// end with ctx. nil: there is no cache, and nothing is removed.
	Purge func(ctx context.Context, p *wire.Purge) (removed int, err error)
	// Terminal lends the terminal to debuggers in the workers, where Boot.Debug says so; nil: there is none.
	Terminal Terminal
	// Spawner starts the processes; nil: process.Exec.
	Spawner process.Spawner
	// Events is called for each event, on the goroutine on which it happened; it
	// must not block for long and must not call the pool. nil: events are dropped.
	Events func(Event)
}

// Terminal is what a debugger in a worker borrows.
type Terminal interface {
	// Lend calls answer at most once, on any goroutine: with the path of the terminal when it is the worker's process
	// group's, or with why it is not. back ends the loan or the wait. Neither blocks.
	Lend(b Borrower, answer func(device string, refused error)) (back func())
}

// Borrower is a debugger in a worker. Who.Pid leads its process group.
type Borrower struct {
	Who
	shim.Debugging
}

// shrinks reports whether the size of the pool changes with its load.
func (o *Options) shrinks() bool { return o.MaxWorkers > o.Workers || o.IdleStop > 0 }
