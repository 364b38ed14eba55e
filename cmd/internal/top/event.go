package top

import (
	"time"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/monitor"
	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

// Events are what Model.Update takes.
type (
	// Pressed is a key.
	Pressed struct{ Key screen.Key }
	// Resized is the size of the terminal, also at the beginning.
	Resized struct{ W, H int }
	// Ticked is the time, twice a second.
	Ticked struct{ At time.Time }
	// Arrived is the state of the server.
	Arrived struct {
		At  time.Time
		Top *admin.Top
	}
	// Remembered is the last hour, once at the beginning.
	Remembered struct{ History *monitor.History }
	// Lost says that the server does not answer; another attempt follows.
	Lost struct {
		At  time.Time
		Err string
	}
	// Dumped is the answer to Dump.
	Dumped struct {
		At             time.Time
		Worker, Stacks string
		Err            string // empty: it has answered
	}
	// Ordered is the answer to Order.
	Ordered struct {
		At   time.Time
		Text string // a sentence
		More string // a traceback; empty: there is none
		Bad  bool
	}
)

// Actions are what Model.Update asks for.
type (
	// Quit ends the program.
	Quit struct{}
	// Suspend stops it until the shell continues it.
	Suspend struct{}
	// Redraw draws everything again: something else has written to the terminal.
	Redraw struct{}
	// Dump asks a worker for its stacks.
	Dump struct{ Worker string }
	// Order changes something in the server. Path is of the control socket. Done is what is said when it is done.
	Order struct {
		Path  string
		Order admin.Order
		Done  string
	}
	// Every asks for the state at another interval.
	Every struct{ Interval time.Duration }
)
