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
// caller has restored the terminal.
func Suspend() {
	signal.Reset(syscall.SIGTSTP)
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

// Signals are those that a program on a full screen handles: those that end it, that stop it, and after which it draws
// everything again. Redrawn also comes when the size has changed.
func Signals() (end, stop, redrawn []os.Signal) {
	return []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}, []os.Signal{syscall.SIGTSTP}, []os.Signal{syscall.SIGWINCH, syscall.SIGCONT}
}
