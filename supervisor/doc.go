// Package supervisor keeps the workers of an app alive and hands their time out.
//
// It runs a command that speaks the worker protocol (package shim); it knows
// neither Python nor HTTP. Processes are started and ended by package process, and package output makes records of what they
// print. What is here: one incarnation of a worker (worker.go, worker_life.go, worker_end.go), its life as a state machine
// (machine.go, machine_end.go, machine_events.go, escalation.go, state.go) and what drives that (life.go, timers.go), its
// permanent slot (slot.go), when a slot may start again (bootlimit.go, boots.go), the slots of one app and the queue (pool.go,
// line.go, broadcast.go, stop.go, stats.go, options.go), the versions of what they run (generation.go), how many slots there are
// (scale.go), age and size (keep.go, beat.go; growth.go says which requests made it large),
// the process that forks the workers of a preloaded app (template.go, template_life.go),
// what a busy worker is sent beforehand (prefetch.go), and the events (event.go).
// What is not: how the events are written (cmd), what a request is (bridge).
//
// # The life of a worker
//
//	Starting --Hello--> Booting --Ready--> Serving --retire--> Draining --idle--> Stopping --grace--> Killing
//	    |                  |                  |                   |                  |                  |
//	    +------------------+------------------+----- waitpid -----+------------------+------------------+--> Exited
//
// Where it is (State) and why it was asked to leave (Reason) are two fields; how
// it ended (Cause) is a third. Worker.run is the only writer of State.
//
// # Prefetch
//
// While no worker is idle, a busy one with one thread may be sent further requests,
// so that it need not wait for Go between two. Only the first of them has started,
// as the shim writes each answer before it begins with the next: what a worker has when
// it dies, leaves or turns out slow goes to another one, whatever its method. Two things
// are otherwise than a first design had them. Answers are not gathered into one write: it
// saved nothing that could be measured with prefetch's depth, and made of every GET
// at a worker one that may have started. And prefetch ends when more than one request in
// a hundred is slow, not for a minute after a single one: a hiccup of the machine did
// that, and an app of short requests had half its capacity until the minute was over.
//
// # The waiting line
//
// First come, first served, until clients leave it; then the newest first, until they
// stay again (line.go). The design knew the first order only. With views of 20 ms, a
// line of 3 s and clients that wait for 1 s, twice the load brought a third of the
// answers in time: each request was begun when its client was about to leave. In the
// other order it brings nearly all that the workers can do. The turn is taken by what clients do, not by how
// long the line is: a batch that waits for minutes without complaint is served in order.
//
// # Replacement
//
// A reload, a worker that has served enough, one that has grown, a restart by
// command and one that leaves after a timeout are one thing to a slot: its worker is
// due, a second one boots beside it, and takes over when it is ready; then the first
// one finishes what it runs. Until then nothing is taken from the app. How many
// slots do that at a time is the pool's affair: Surge of them in a reload, a tenth
// of them for age and size.
//
// A generation is one immutable version of the Options. A reload makes the next one;
// it counts once one of its workers was ready, and until then a seat that falls
// empty is filled by the old one.
//
// # Goroutines
//
//	who                  started by     ends when                          waited for by
//	slot.run             Pool.resize    the slot is closed                 Pool.Stop
//	launch               slot.run       its worker has ended               slot.run
//	Pool.keep            Pool.Start     the pool stops                     Pool.Stop
//	a reload             Pool.Reload    all slots have moved, or a stop    Pool.Stop
//	a warmup             Worker.run     the answer, or the Conn's end      nobody: it holds nothing
//	the reaper           process.ReapStrangers  its stop is called                 its stop
//	worker's Conn        Worker.run     the pipes end or are closed        Worker.run
//	worker's wait        Worker.run     the process is reaped              Worker.run
//	worker's output      Worker.run     end of file, or 1 s after death    Worker.run
//	worker's stacks      Worker.run     end of file, or 1 s after death    Worker.run
//	Helper.read          process.StartHelper    the helper's socket ends           Helper.Close
//	helper's start       process.RunHelper      its process is reaped              process.RunHelper
//	template.run         Pool.fork      the process is reaped              Pool.Stop
//	template's others    template.run   as a worker's                      template.run
//
// Worker.run runs on its launch's goroutine. A death is what waitpid says, never an
// end of file; a process is never left before it is reaped.
package supervisor
