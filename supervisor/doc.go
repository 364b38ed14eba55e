// Package supervisor keeps the workers of an app alive and hands their time out.
//
// It runs a command that speaks the worker protocol (package shim); it knows
// neither Python nor HTTP. What is here: how a command becomes a process with
// pipes (spawn*.go, the only room that starts processes), one incarnation of a
// worker (worker.go, life.go), its permanent seat (slot.go), when a seat may start again
// (backoff.go), the seats of one app and the waiting line (pool.go, line.go),
// the process that forks the workers of a preloaded app (template*.go,
// spawn_template*.go), which processes are ours to wait for (children.go),
// what a worker prints (output.go), and what is told to the log (event.go).
// What is not: how these happenings are written (cmd), what a request is
// (bridge).
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
// # Goroutines
//
//	who                  started by     ends when                          waited for by
//	slot.run             Pool.Start     the pool stops                     Pool.Stop
//	worker's Conn        Worker.run     the pipes end or are closed        Worker.run
//	worker's wait        Worker.run     the process is reaped              Worker.run
//	worker's output      Worker.run     end of file, or 1 s after death    Worker.run
//	worker's stacks      Worker.run     end of file, or 1 s after death    Worker.run
//	template.run         Pool.fork      the process is reaped              Pool.Stop
//	template's others    template.run   as a worker's                      template.run
//
// Worker.run runs on its slot's goroutine. A death is what waitpid says, never an
// end of file; a process is never left before it is reaped.
package supervisor
