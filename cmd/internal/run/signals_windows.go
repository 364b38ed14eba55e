package main

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyStops sends the signals that mean a stop in order to c.
func notifyStops(c chan os.Signal) { signal.Notify(c, os.Interrupt, syscall.SIGTERM) }

func steering() chan os.Signal { return nil }

func (s *serving) steered(os.Signal) {}
