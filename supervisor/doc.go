// Package supervisor keeps the workers of an app alive and gives requests to them.
//
// It runs a command that speaks the worker protocol (package shim); it knows neither Python nor HTTP. Package process starts and
// ends processes, package output makes records of what they print. Package supervisor decides: when a worker boots, what it is
// given, when it leaves, and what its death means. How events are written is decided in cmd, what a request is in bridge.
//
// # Objects
//
// Each object knows those below it, and none above it. core is the lowest one: the lock, the generations, the counts.
//
//	Pool                     the facade: puts the objects together and passes calls on
//	  inspector              what the pool is doing at this moment
//	  keeper -> scaler       sizes, ages, and the number of slots; scaler is pure
//	  reloads                one generation takes the place of another one
//	  refusals               reports refused requests, once a second
//	  fleet                  the slots
//	    slot -> reconcile    keeps one worker alive; reconcile is pure: what it has, what it is to have, one action
//	      launch             one worker, from the boot limiter to its end
//	        Worker -> life -> machine -> escalation     machine is pure: an event in, actions out
//	  roster                 the workers that have a process
//	  templates -> template -> life                     the processes that fork the workers of a preloaded app
//	  recycler, boots        few replacements at a time; what the end of a boot means
//	  dispatcher             requests, backends, and the queue between them
//	    queue, backends      pure
//
// A Worker has a backend in it, which is all that the dispatcher knows of it. Two calls go up: dispatcher.rouse wakes a pool that
// sleeps, and Worker.onReady and onLeave tell the slot.
//
// # The life of a worker
//
//	Starting --Hello--> Booting --Ready--> Serving --retire--> Draining --idle--> Stopping --grace--> Killing
//	    |                  |                  |                   |                  |                  |
//	    +------------------+------------------+----- waitpid -----+------------------+------------------+--> Exited
//
// State says where it is, Reason why it was asked to leave, process.Exit how its process ended.
// machine.step is the only writer of the first two, except for Exited, which Worker sets when the process is reaped. A template lives by the same machine: it runs no requests, and it is killed
// when its boot fails.
//
// # Files
//
//	pool.go, options.go, core.go, event.go, broadcast.go   the facade, what it is given, what all know, what it reports
//	dispatcher.go, queue.go, backend.go, refusals.go       requests
//	fleet.go, slot.go, reconcile.go, orders.go, launch.go  slots
//	generation.go, reload.go                               versions of what they run
//	worker.go, worker_life.go, worker_requests.go, worker_end.go
//	                                                       a worker: its start, life, requests and end
//	machine.go, machine_end.go, machine_events.go, escalation.go, state.go
//	                                                       its life as a state machine
//	life.go, timers.go                                     what drives a machine
//	templates.go, template.go, template_life.go            preload
//	bootlimit.go, boots.go                                 how many workers boot at a time, and what a boot means
//	recycler.go, growth.go, roster.go                      age and size
//	keeper.go, scaler.go, ticker.go                        housekeeping
//	stats.go, inspector.go                                 what the pool is doing
//
// # Boots
//
// BootLimiter bounds how many workers boot at a time: of one generation, and of all apps. One rule holds for a boot that hangs: it
// counts for hungBoot (5 s) and not longer, so that it does not keep other workers from booting until its own boot timeout.
//
// # Prefetch
//
// While no worker is idle, a busy one with one thread may be sent further requests,
// so that it need not wait for Go between two. Only the first of them has started,
// because the shim writes each answer before it begins with the next one: what a worker has when
// it dies, leaves or is slow goes to another one, whatever its method. Two things
// were tried and dropped. Answers are not gathered into one write: that
// saved nothing that could be measured at the depth of prefetch, and made of every GET
// at a worker one that may have started. And prefetch ends when more than one request in
// a hundred is slow, not for a minute after a single slow one: a hiccup of the machine did
// that, and an app of short requests had half its capacity until the minute was over.
//
// # The queue
//
// First come, first served, until clients leave; then the newest first, until they
// stay again (queue.go). The first order alone is not enough. With views of 20 ms, a
// queue of 3 s and clients that wait for 1 s, twice the load brought a third of the
// answers in time: each request was begun when its client was about to leave. In the
// other order it brings nearly all that the workers can do. The order depends on what clients do, not on
// the length of the queue: a batch that waits for minutes is served in order.
//
// # Replacement
//
// A reload, a worker that has served enough, one that has grown, a restart by
// command and one that leaves after a timeout are the same to a slot: its worker is
// due, a second one boots beside it and takes over when it is ready; then the first
// one finishes what it runs. Until then nothing is taken from the app. How many
// slots do that at a time is decided above the slot: Surge of them in a reload, a tenth
// of them for age and size.
//
// A generation is one immutable version of the Options. A reload makes the next one;
// it counts once one of its workers was ready, and until then a slot that becomes
// empty is filled by the old one.
//
// # Goroutines
//
//	goroutine            started by     ends when                          waited for by
//	slot.run             fleet.resize   the slot is closed                 fleet.end
//	a launch             slot.launch    its worker has ended               slot.run
//	keeper.run           Pool.Start     the pool stops                     fleet.end
//	a reload             reloads.run    all slots have moved, or a stop    fleet.end
//	a warmup             workerLife     the answer, or the Conn's end      none: it holds nothing
//	Incarnation.Run's    Worker.run     the process is reaped, its pipes   Incarnation.Finish
//	                                    end, or 1 s after that
//	template.run         templates.of   the process is reaped              fleet.end
//
// Worker.run and its life run on the goroutine of the launch. A death is what waitpid says, never an
// end of file; a process is never left before it is reaped.
package supervisor
