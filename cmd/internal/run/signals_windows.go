package run

import (
	"os"
	"os/signal"
	"syscall"
)

// notifyStops sends the signals that mean an orderly stop to c.
func notifyStops(c chan os.Signal) { signal.Notify(c, os.Interrupt, syscall.SIGTERM) }

// controlSignals is nil: there are none on Windows.
func controlSignals() chan os.Signal { return nil }

func (l *life) obey(os.Signal) {}
