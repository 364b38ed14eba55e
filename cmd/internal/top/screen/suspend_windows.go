package screen

import "os"

// Suspend does nothing: Windows has no jobs that stop.
func Suspend() {}

// Signals are those that a program on a full screen handles.
func Signals() (end, redrawn []os.Signal) { return []os.Signal{os.Interrupt}, nil }
