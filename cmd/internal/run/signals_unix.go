//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// notifyStops sends the signals that mean a stop in order to c.
func notifyStops(c chan os.Signal) {
	signal.Notify(c, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	if term.IsTerminal(0) {
		signal.Notify(c, syscall.SIGHUP) // the terminal was closed
	}
	// A log whose reader has left is an error of that log and no reason to die
	// (package os/signal, SIGPIPE). Notify, unlike Ignore, is not inherited.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
}

// steering gets the signals that steer: SIGHUP reloads where no terminal is there to
// be closed, SIGTTIN and SIGTTOU are one worker more or fewer for each app, SIGUSR1
// opens the logs' files anew, SIGUSR2 lets a new process take over.
func steering() chan os.Signal {
	c := make(chan os.Signal, 4)
	signal.Notify(c, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGUSR1, syscall.SIGUSR2)
	if !term.IsTerminal(0) && !signal.Ignored(syscall.SIGHUP) { // nohup
		signal.Notify(c, syscall.SIGHUP)
	}
	return c
}

// steered obeys such a signal.
func (s *serving) steered(sig os.Signal) {
	switch sig {
	case syscall.SIGHUP:
		s.reloadUnasked("", "SIGHUP")
	case syscall.SIGUSR1:
		_ = s.ReopenLogs() // told
	case syscall.SIGUSR2:
		s.upgrade()
	case syscall.SIGTTIN:
		s.resize(1)
	case syscall.SIGTTOU:
		s.resize(-1)
	}
}
