package process

import (
	"errors"
	"io"

	"github.com/standpipe/standpipe/shim"
)

// Order is a signal that a process can be sent.
type Order int

// The orders.
const (
	Terminate Order = iota // SIGTERM to the group
	Kill                   // SIGKILL to the group
	Dump                   // SIGUSR2 to the leader: faulthandler writes the stacks
)

// Discard kills a child that nothing else was done with, waits for it and closes its pipes.
func (c *Child) Discard() {
	_ = c.Signal(Kill)
	c.Wait()
	c.Ends.R.Close()
	c.Ends.W.Close()
	c.Output.Close()
	if c.Stacks != nil {
		c.Stacks.Close()
	}
	c.Release()
}

// Process is a started process and its group.
type Process interface {
	Pid() int
	// Signal sends an order. It does nothing when the process has ended.
	Signal(Order) error
	// Wait blocks until the process has ended, sends SIGKILL to what is left of
	// its group, and reaps it. It is called once.
	Wait() Exit
}

// Child is a process with its pipes.
type Child struct {
	Process
	Ends shim.Ends
	// Output is what the worker prints, Stacks what faulthandler writes (nil:
	// there is no such pipe). The goroutine that reads a pipe closes it.
	Output, Stacks io.ReadCloser
	// Release closes the life pipe. It is called after Wait.
	Release func()
}

// HasEnded reports whether the process is known to have ended, though Wait may not have returned: it ends what is left of the group first.
func (c *Child) HasEnded() bool {
	p, ok := c.Process.(interface{ hasEnded() bool })
	return ok && p.hasEnded()
}

// ErrNoTemplate means that a template did not answer as it should.
var ErrNoTemplate = errors.New("the template is gone")

// Spawner turns a Command into a Child. The caller owns the Child until Wait has returned.
type Spawner interface {
	Spawn(Command) (*Child, error)
}
