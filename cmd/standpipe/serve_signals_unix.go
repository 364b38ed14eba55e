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

// hangups gets SIGHUP where no terminal is there to be closed: then it is what
// other servers take for a reload.
func hangups() chan os.Signal {
	if term.IsTerminal(0) || signal.Ignored(syscall.SIGHUP) { // nohup
		return nil
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c
}
