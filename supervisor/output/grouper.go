package output

import (
	"bytes"
	"strings"
	"time"
)

// grouper joins the lines of one request, or lines without a request, to records.
type grouper struct {
	record func(id, text string)
	line   []byte       // the line under way
	text   bytes.Buffer // the record under way
	lineID string       // the request of the line under way
	id     string       // the request of the record under way
	more   bool         // the line under way belongs to the record under way, whatever it looks like
	stage  stage        // what the record under way ends with
	crash  bool         // inside what Python prints when it crashes: stacks of all threads
}

func (g *grouper) write(p []byte) {
	for len(p) > 0 {
		n, ends := bytes.IndexByte(p, '\n'), true
		if n < 0 {
			n, ends = len(p), false
		}
		if left := maxRecord - len(g.line); n > left { // a line without end is cut, not kept
			g.line = append(g.line, p[:left]...)
			g.endLine()
			p = p[left:]
			continue
		}
		g.line = append(g.line, p[:n]...)
		if !ends {
			return
		}
		g.endLine()
		p = p[n+1:]
	}
}

// endLine adds the line under way to its record.
func (g *grouper) endLine() {
	line := string(bytes.TrimSuffix(g.line, []byte("\r")))
	g.line = g.line[:0]
	if g.text.Len() > 0 && !g.continues(line) {
		g.emit()
	}
	if g.text.Len()+1+len(line) > maxRecord {
		g.emit()
	}
	switch {
	case g.text.Len() == 0:
		g.id = g.lineID
	case g.id != g.lineID && g.id != "" && g.lineID != "":
		g.id = "" // a line of another request: a wrong id is worse than none
	}
	if g.text.Len() > 0 {
		g.text.WriteByte('\n')
	}
	g.text.WriteString(line)
	g.crash = g.crash || strings.HasPrefix(line, Fatal)
	g.stage = g.stage.after(line)
}

// continues reports whether line belongs to the record under way. Lines of two requests are not one record, unless they are one
// traceback: while a thread prints it line by line, requests begin and end.
func (g *grouper) continues(line string) bool {
	if g.lineID != g.id && !g.unfinished() && (g.stage != raised || line != "" && !chains(line)) {
		return false
	}
	if g.crash && (strings.HasPrefix(line, "Current thread 0x") || strings.HasPrefix(line, "Thread 0x") || strings.HasPrefix(line, "Python runtime state: ")) {
		return true
	}
	return g.more || g.stage == tracing || line == "" || isIndented(line) || starts(line) || chains(line)
}

// unfinished reports whether the record under way lacks its end.
func (g *grouper) unfinished() bool {
	return g.crash || g.stage == announced || g.stage == tracing || g.stage == nested
}

// wait is how long the record under way waits for its next bytes.
func (g *grouper) wait() time.Duration {
	start := string(g.line[:min(len(g.line), 64)])
	switch {
	case g.unfinished(), announces(start), strings.HasPrefix(start, Fatal):
		return unfinishedPause
	case g.stage == raised:
		return chainPause
	default:
		return pause
	}
}

func (g *grouper) emit() {
	if text := strings.TrimRight(g.text.String(), "\n"); text != "" {
		g.record(g.id, text)
	}
	g.text.Reset()
	g.stage, g.crash = plain, false
}

// flush passes on a complete record, and also a line without an end: it may be a prompt that a person waits for.
func (g *grouper) flush() {
	if len(g.line) > 0 {
		g.endLine()
	}
	g.emit()
}
