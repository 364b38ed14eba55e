package supervisor

import (
	"strings"
	"time"

	"github.com/standpipe/standpipe/shim"
	"github.com/standpipe/standpipe/supervisor/output"
	"github.com/standpipe/standpipe/supervisor/process"
)

// betweenLooks is the time between two looks at a request whose time is over. Its client has been answered; the worker
// is to be replaced.
const betweenLooks = 20 * time.Millisecond

// takeStacks asks the worker for its stacks: the control thread answers with
// source lines when it can get the GIL, faulthandler always. x is the request in
// question; nil: none.
func (l *life) takeStacks(x *shim.Exchange) string { return l.stacksWithin(x, 300*time.Millisecond) }

// stacksWithin gives the control thread so long; its first answer imports modules.
func (l *life) stacksWithin(x *shim.Exchange, patience time.Duration) string {
	if s := l.shimStacks(x, patience); s != "" {
		return s
	}
	if !l.canDump || l.child.Stacks == nil || l.child.Signal(process.Dump) != nil {
		return ""
	}
	return l.stacks.Collect(500 * time.Millisecond)
}

// shimStacks asks the control thread alone: at the very end of an interpreter the signal finds no handler, and kills.
func (l *life) shimStacks(x *shim.Exchange, patience time.Duration) string {
	l.stacks.Drain(func(s string) { // of an earlier question, or a child process of the app crashed
		if strings.Contains(s, output.Fatal) {
			l.output("", "error", s)
		}
	})
	if l.control && l.conn.Dump(x) == nil {
		return l.stacks.Collect(patience)
	}
	return ""
}

// crashStacks returns what faulthandler wrote when the process crashed: on its pipe,
// or among the output where the app has enabled it itself. Empty: nothing.
func (l *life) crashStacks() string {
	s := l.stacks.Collect(300 * time.Millisecond)
	if i := strings.LastIndex(s, output.Fatal); i >= 0 {
		return s[i:]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.crash.String()
}
