//go:build unix

package run

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// notifyStops sends the signals that mean an orderly stop to c.
func notifyStops(c chan os.Signal) {
	signal.Notify(c, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	if term.IsTerminal(0) {
		signal.Notify(c, syscall.SIGHUP) // the terminal was closed
	}
	// A closed pipe behind a log is an error of that log, and no reason to exit (package
	// os/signal, SIGPIPE). Notify, unlike Ignore, is not inherited.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
}

// controlSignals receives the signals that control the server: SIGHUP reloads, unless a
// terminal sends it when it is closed; SIGTTIN and SIGTTOU add and remove a worker of each
// app; SIGUSR1 reopens the log files; SIGUSR2 upgrades.
func controlSignals() chan os.Signal {
	c := make(chan os.Signal, 4)
	signal.Notify(c, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGUSR1, syscall.SIGUSR2)
	if !term.IsTerminal(0) && !signal.Ignored(syscall.SIGHUP) { // nohup
		signal.Notify(c, syscall.SIGHUP)
	}
	return c
}

// obey does what a control signal means.
func (l *life) obey(sig os.Signal) {
	switch sig {
	case syscall.SIGHUP:
		l.reloads.start("", "SIGHUP", "")
	case syscall.SIGUSR1:
		_ = l.commands.ReopenLogs() // it logs its error
	case syscall.SIGUSR2:
		l.handover.begin()
	case syscall.SIGTTIN:
		l.commands.resize(1)
	case syscall.SIGTTOU:
		l.commands.resize(-1)
	}
}
