//go:build !linux

package main

// roomForTasks: it is not known here.
func roomForTasks() (room int, limited bool) { return 0, false }
