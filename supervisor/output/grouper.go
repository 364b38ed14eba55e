package output

import (
	"bytes"
	"strings"
)

// grouper joins the lines of one request, or lines without a request, to records.
type grouper struct {
	record func(string)
	line   []byte       // the line under way
	text   bytes.Buffer // the record under way
	more   bool         // the line under way belongs to the record under way, whatever it looks like
	trace  bool         // inside a traceback: its last line is still to come
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
	indented := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
	boxed := strings.HasPrefix(line, "╭") || strings.HasPrefix(line, "│") || strings.HasPrefix(line, "╰") // rich
	starts := strings.HasPrefix(line, "Traceback (most recent call last):") || strings.HasPrefix(line, "╭") && strings.Contains(line, " Traceback (most recent call last) ")
	chained := strings.HasPrefix(line, "During handling of the above exception") ||
		strings.HasPrefix(line, "The above exception was the direct cause")
	switch {
	case g.text.Len() == 0: // the first line of a record
	case g.crash && (strings.HasPrefix(line, "Current thread 0x") || strings.HasPrefix(line, "Thread 0x") || strings.HasPrefix(line, "Python runtime state: ")):
	case g.more, starts, indented, g.trace, chained, line == "" && g.text.Len() > 0:
	default:
		g.emit()
	}
	if g.text.Len()+1+len(line) > maxRecord {
		g.emit()
	}
	if g.text.Len() > 0 {
		g.text.WriteByte('\n')
	}
	g.text.WriteString(line)
	g.crash = g.crash || strings.HasPrefix(line, Fatal)
	// The line that is not indented ends a traceback: the exception itself.
	g.trace = starts || g.trace && (indented || boxed || line == "" || strings.HasPrefix(line, `> File "`)) // empty lines and the mark are loguru's
}

func (g *grouper) emit() {
	if text := strings.TrimRight(g.text.String(), "\n"); text != "" {
		g.record(text)
	}
	g.text.Reset()
	g.trace, g.crash = false, false
}

// flush passes on a complete record, and also a line without an end: it may be a prompt that a person waits for.
func (g *grouper) flush() {
	if len(g.line) > 0 {
		g.endLine()
	}
	g.emit()
}
