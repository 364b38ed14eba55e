//go:build !linux

package tune

// coresMeter is nil: this platform has no meter.
func coresMeter() func() sample { return nil }
