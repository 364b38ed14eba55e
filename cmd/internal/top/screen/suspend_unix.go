//go:build unix

package screen

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// discarded is how long the kernel may take to stop us. It discards the signal in a process group without a shell.
const discarded = 500 * time.Millisecond

// Suspend stops this program and all of its job, as Ctrl-Z does in other programs, and returns when it continues. The
// caller has restored the terminal. SIGTSTP must have its default effect: once signal.Notify has taken it, Go does not
// give it back. So a SIGTSTP from outside leaves the screen as it is; the shell has its own modes of the terminal, and
// after SIGCONT everything is drawn again.
func Suspend() {
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	if syscall.Kill(0, syscall.SIGTSTP) != nil {
		return
	}
	select {
	case <-continued:
	case <-time.After(discarded):
	}
}

// Signals are those that a program on a full screen handles: those that end it, and those after which it asks for the
// size and draws everything again.
func Signals() (end, redrawn []os.Signal) {
	return []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}, []os.Signal{syscall.SIGWINCH, syscall.SIGCONT}
}
