package supervisor

import (
	"strings"
	"time"

	"github.com/standpipe/standpipe/shim"
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
	if !l.canDump || l.child.Stacks == nil || l.child.Signal(Dump) != nil {
		return ""
	}
	return l.collect(500 * time.Millisecond)
}

// shimStacks asks the control thread alone: at the very end of an interpreter the signal finds no handler, and kills.
func (l *life) shimStacks(x *shim.Exchange, patience time.Duration) string {
	for {
		select {
		case s := <-l.stacks: // of an earlier question, or a child of the app's has crashed
			if strings.Contains(s, fatal) {
				l.output("", "error", s)
			}
			continue
		default:
		}
		break
	}
	if l.control && l.conn.Dump(x) == nil {
		return l.collect(patience)
	}
	return ""
}

// fatal is how CPython and faulthandler begin when a process crashes.
const fatal = "Fatal Python error"

// crashStacks returns what faulthandler wrote when the process crashed: on its pipe,
// or among the output where the app has enabled it itself. Empty: nothing.
func (l *life) crashStacks() string {
	s := l.collect(300 * time.Millisecond)
	if i := strings.LastIndex(s, fatal); i >= 0 {
		return s[i:]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.crash.b)
}

// collect gathers pieces until none came for a moment, at most limit long.
func (l *life) collect(limit time.Duration) string {
	var b strings.Builder
	end := time.After(limit)
	for {
		var quiet <-chan time.Time
		if b.Len() > 0 {
			quiet = time.After(30 * time.Millisecond)
		}
		select {
		case s := <-l.stacks:
			if b.WriteString(s); b.Len() > stacksMost { // nobody has so many
				return b.String()[:stacksMost]
			}
		case <-quiet:
			return b.String()
		case <-end:
			return b.String()
		}
	}
}
