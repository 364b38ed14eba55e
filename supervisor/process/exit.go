package process

import "fmt"

// Exit is how a process ended, from waitpid.
type Exit struct {
	// Code is the exit status; -1: a signal ended the process, or nothing is known.
	Code int
	// Signal is the number of the signal that ended the process; 0: none.
	Signal int
	// SignalName is the name of that signal, "SIGKILL".
	SignalName string
	// MaxRSS is the largest resident size of the process, in bytes; 0: unknown.
	MaxRSS int64
	// OOM: the kernel killed the process for lack of memory.
	OOM bool
	// Left are the processes that this one had started and left behind, and that were ended with it: "ffmpeg 4711, sh 4712".
	// Empty: there were none, or the system does not tell.
	Left string `json:",omitempty"`
	// Loose is the reason why the process had no control group of its own although it should have had one. Empty: it had one,
	// or it was not meant to have one.
	Loose string `json:",omitempty"`
}

// Cause returns "exit:3", "signal:9", "oom" or "unknown".
func (e Exit) Cause() string {
	switch {
	case e.OOM:
		return "oom"
	case e.Signal > 0:
		return fmt.Sprintf("signal:%d", e.Signal)
	case e.Code >= 0:
		return fmt.Sprintf("exit:%d", e.Code)
	}
	return "unknown"
}

// Crashed reports whether a signal ended the process that a process mostly brings on itself.
func (e Exit) Crashed() bool { return selfInflicted[e.SignalName] }

// FromOutside reports whether somebody else killed the process: not standpipe (ours), not the kernel for lack of memory,
// and not the process itself.
func (e Exit) FromOutside(ours bool) bool {
	return e.Signal > 0 && !ours && !e.OOM && !e.Crashed()
}

var selfInflicted = map[string]bool{
	"SIGSEGV": true, "SIGABRT": true, "SIGBUS": true, "SIGILL": true, "SIGFPE": true, "SIGSYS": true, "SIGTRAP": true, "SIGXCPU": true,
}
