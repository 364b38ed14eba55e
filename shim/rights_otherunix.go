//go:build unix && !linux

package shim

const (
	cloexec  = 0
	pathOnly = 0
)
