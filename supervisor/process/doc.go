// Package process turns a Command into a process with pipes, ends it, and knows how it ended.
//
// It starts worker processes and templates as the leaders of their own process groups, with the file descriptors that
// shim/PROTOCOL.md names; it applies users, limits and control groups; it waits for the processes and reaps them. It decides
// nothing about a worker's life: package supervisor does.
//
// # Objects
//
//	Spawner (Exec, or Helper after the privileges were dropped) -> Child -> Process (spawned, or remote through the helper)
//	Incarnation -> Child   one process with its connection, from its start until it is reaped
//	Forker -> Child        a template forks the worker
//	childTable             the children of this program that a goroutine waits for; the reaper leaves them alone
//	OOMWatch               tells the kernel's kills for lack of memory from other SIGKILLs
//
// # Files
//
//	command.go, exit.go     what to run, and how it ended: pure data
//	spawn.go                Process, Child and Spawner
//	spawn_exec.go           Exec: the start of a process
//	pipes.go                the pipes of one child
//	spawn_unix.go, spawn_linux.go, spawn_otherunix.go, spawn_windows.go
//	                        signals, descriptors and waitpid of each system
//	forker_*.go             orders to a template
//	identity.go             users, limits and control groups as data
//	confine_*.go            how they are applied ("standpipe __exec")
//	nproc_*.go              processes that workers leave to the server under RLIMIT_NPROC
//	cgroup_linux.go, cgroup_other.go
//	                        the control group of an app
//	cgroup_own_linux.go     the control group of one process
//	remains_*.go            what a worker left behind when it ended
//	oom_*.go                OOMWatch and sizes from /proc
//	helper.go, helper_serve.go, helper_wire.go, helper_windows.go
//	                        the root helper that starts processes as other users ("standpipe __helper")
//	children.go             childTable
//	reaper_*.go             waits for orphans that became children of this process
//	survivors_*.go          processes that outlive their worker
//	incarnation.go          Incarnation: the pipes, signals and stacks of one process, for workers and templates
//	boot.go                 tells a boot that is stuck from a slow one
//	release.go              links resolved once for each generation
//
// # Goroutines
//
//	goroutine        started by      ends when                     waited for by
//	Helper.read      StartHelper     the socket of the helper ends Helper.Close
//	a helper's start RunHelper       its process is reaped         RunHelper
//	Incarnation.Run  its owner       the process and its pipes end Incarnation.Finish
//	the reaper       ReapStrangers   its stop is called            its stop
package process
