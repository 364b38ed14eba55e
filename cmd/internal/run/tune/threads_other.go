//go:build !linux

package tune

// tasksLeft is unknown on this platform.
func tasksLeft() (left int, limited bool) { return 0, false }
