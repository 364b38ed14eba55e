//go:build !linux

package process

// Survivor is a process that has outlived its worker. This system cannot find any.
type Survivor struct {
	Pid     int
	Command string
}

// InheritOrphans does nothing: there is no child subreaper here.
func InheritOrphans() {}

// Survivors finds none.
func Survivors() []Survivor { return nil }
