// Package run is the life of the server: it assembles the product from a configuration,
// starts it, keeps it running, lets another process take over, and stops it.
//
// # The life
//
// lifecycle is a pure machine: starting -> serving -> draining -> stopped. life turns
// channels (signals, the helper's end, an upgrade's result, the ends of actors) into events,
// asks lifecycle.step for actions, and has its parts perform them.
//
//	serve.go      Serve and Options: the entry of the command; server assembles the parts
//	life.go       life: events, actions
//	lifecycle.go  lifecycle: what follows from which event
//	group.go      group: goroutines that end together
//	boot.go       boot: waits until the apps are up
//	entry.go      entry: fresh, or successor of a process that serves already
//	handover.go   handover: the old process's side of an upgrade
//	stop.go       stopper: the stop and its budget
//	signals_unix.go, signals_windows.go  which signals mean what
//
// # The parts
//
//	control.go    control: the control socket, the address of the metrics
//	commands.go   commands: what the control socket asks for
//	reload.go     reloads: in the foreground and in the background
//	watch.go      watchers: touch_reload, release folders, changed code
//	readiness.go  readinessWatch: apps that are not ready any more, and are again
//	service.go    service: the service manager
//	output.go     output and startReport: the records of the start
//	banner.go     banner: what a person at a terminal sees
//	paragraph.go  how the lines of the banner are shared out
//	begin.go      beginning: what people are told together when the start is over
//	records.go    records: which events of workers concern the log
//	warnings.go   what is legal and probably not intended; processes that outlive their workers
//
// # Knowledge
//
// server makes all parts and is known by none. life knows the parts; they know the product
// (compose.Server), the log and, where one needs another, that one: control and banner are
// known by fresh and successor, service by all that notify, handover by stopper. Nothing
// knows life.
//
// # Goroutines
//
// Serve's goroutine runs life. Every other one belongs to a group, which ends it and waits:
//
//	life.actors      one actor per phase: boot, enter, drain or stop; ended with the phase
//	watchers.group   four observers; ended when the server stops serving
//	watchers.code    the observer of code, and in development the one that reloads apps; ended likewise
//	control.group    metrics watch, the looks of the monitor, socket keeper, listeners of metrics and dashboard; ended by control.close
//	service.group    the loop that speaks to the service manager; ended by service.close
//	reloads.group    reloads in the background; ended when the run ends
//
// Package tune sets Go's run-time and has one more goroutine.
package run
