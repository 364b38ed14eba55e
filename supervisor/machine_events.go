package supervisor

import (
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/shim/wire"
	"github.com/standpipe/standpipe/supervisor/process"
)

// event is the input of a machine: one of the types below.
type event any

type (
	greeted     struct{ hello *wire.Hello }   // Hello came
	importDone  struct{ ready *wire.Ready }   // Ready came
	warmupDone  struct{ err error }           // the warmup is over
	bootRefused struct{ failed *wire.Failed } // Failed came
	bootOverdue struct{ earlier string }      // the boot timeout is over; earlier stacks, to tell a stuck boot from a slow one
	bootTicked  struct{}                      // it still boots
	pipesBroken struct{ err error }           // the connection has ended, or a message could not be written
	stillAlive  struct{}                      // the process lives some time after its pipes broke
	expiry      struct {                      // the time of a request is over, or its client has left
		x     *shim.Exchange
		cause shim.Cause
		why   string
	}
	interrupted struct{ cause shim.Cause }     // the app's work for that request was interrupted
	aged        struct{}                       // it has lived as long as it may
	tooLarge    struct{ size, limit int64 }    // bytes
	lingered    struct{}                       // it was told to leave some time ago
	retire      struct{ reason Reason }        // it is to leave
	debugOver   struct{}                       // a debugger in it has ended
	withdrawn   struct{}                       // it gets no new request any more
	freed       struct{}                       // it gets no new requests, and one has ended
	killOrder   struct{}                       // the stop budget is used up
	stepDue     struct{}                       // the time of the last step is over
	exited      struct{ process.Exit }         // reaped: the last event, which the machine does not get
	dumpAsked   struct{ answer chan<- string } // a person wants its stacks, which the machine need not know
)

// action is the output of a machine: one of the types below.
type action any

type (
	arm struct { // 0: the timer stays off
		timer timer
		after time.Duration
	}
	disarm        struct{ timer timer }
	greet         struct{ hello *wire.Hello } // report Hello
	sendBoot      struct{}                    // the Boot message; pipesBroken when it cannot be sent
	warmUp        struct{}                    // warmupDone follows
	serve         struct{ ready *wire.Ready } // it takes requests from now on
	replaceMe     struct{ reason Reason }     // it serves until another worker takes its place
	withdraw      struct{}                    // no new request; withdrawn follows
	announce      struct{ reason Reason }     // tell the slot that it leaves
	reportBoot    struct{}                    // it still boots
	reportLinger  struct{}                    // it was told to leave, and has not ended
	reportExpired struct{ expiry }            // a request ran longer than it may
	interrupt     struct{ expiry }            // interrupted follows
	sendStop      struct{}                    // the Stop message; to a template the end of its orders
	closeRequests struct{}                    // the end of its requests
	takeStacks    struct {
		of     stacksOf
		doomed bool // a signal that ends it from now on is ours
	}
	terminate struct{} // SIGTERM
	kill      struct{} // SIGKILL
)

// stacksOf is the purpose that stacks are taken for.
type stacksOf int

const (
	bootStacks stacksOf = iota // the boot timeout is over
	lastStacks                 // it is about to be killed
)

// timer is one of the timers of a machine.
type timer int

const (
	bootTimer     timer = iota // bootOverdue
	bootTickTimer              // bootTicked
	ageTimer                   // aged
	deathTimer                 // stillAlive
	lingerTimer                // lingered
	stepTimer                  // stepDue
	timerCount
)
