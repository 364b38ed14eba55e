package process

import (
	"errors"
	"io"

	"github.com/standpipe/standpipe/shim"
)

// Order is what can be sent to a process.
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
	// Signal sends an order; to a process that has ended it does nothing.
	Signal(Order) error
	// Wait blocks until the process has ended, sends SIGKILL to what is left of
	// its group, and reaps it. It is called once.
	Wait() Exit
}

// Child is a process with its pipes.
type Child struct {
	Process
	Ends shim.Ends
	// Output is what the worker prints; Stacks what faulthandler writes (nil:
	// there is no such pipe). Whoever reads them closes them.
	Output, Stacks io.ReadCloser
	// Release closes the life pipe; to be called after Wait.
	Release func()
}

// ErrNoTemplate means that a template did not answer as it should.
var ErrNoTemplate = errors.New("the template is gone")

// Spawner turns a Command into a Child. Whoever gets a Child owns it until Wait
// has returned.
type Spawner interface {
	Spawn(Command) (*Child, error)
}
