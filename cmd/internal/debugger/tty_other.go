//go:build !linux && !darwin

package debugger

// openTTY returns nil: there is no job control to lend a terminal by.
func openTTY() device { return nil }
