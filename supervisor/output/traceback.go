package output

import "strings"

// stage says which part of a traceback a record ends with. Python prints tracebacks line by line, and it may lose the processor
// between any two of them.
type stage int

const (
	plain     stage = iota // no traceback
	announced              // a line that a traceback follows
	tracing                // a traceback; the exception is still to come
	nested                 // a traceback of an exception group; more exceptions are to come
	raised                 // a complete traceback; that of the next exception of the chain may follow
)

// after is the stage when line has been added.
func (s stage) after(line string) stage {
	switch {
	case starts(line):
		return tracing
	case chains(line), announces(line):
		return announced
	case line == "":
		return s
	case s == tracing && (isIndented(line) || isBoxed(line) || strings.HasPrefix(line, `> File "`)): // loguru marks a frame
		return tracing
	case s == tracing: // the line that is not indented is the exception
		return raised
	case isTree(line, s):
		if strings.Trim(line, " +-") == "" { // the lower edge of a group, maybe that of the outermost one
			return raised
		}
		return nested
	case (s == raised || s == announced) && isIndented(line): // more about the exception, or the frames of a stack
		return raised
	default:
		return plain
	}
}

func isIndented(line string) bool {
	return strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
}

// isBoxed reports whether rich has drawn the line.
func isBoxed(line string) bool {
	return strings.HasPrefix(line, "╭") || strings.HasPrefix(line, "│") || strings.HasPrefix(line, "╰")
}

// starts reports whether a traceback begins with line.
func starts(line string) bool {
	return strings.HasPrefix(line, "Traceback (most recent call last):") ||
		strings.HasPrefix(line, "╭") && strings.Contains(line, " Traceback (most recent call last) ")
}

// chains reports whether line stands between two exceptions of a chain.
func chains(line string) bool {
	return strings.HasPrefix(line, "During handling of the above exception") ||
		strings.HasPrefix(line, "The above exception was the direct cause")
}

// announces reports whether Python prints line before a traceback, or faulthandler before a stack.
func announces(line string) bool {
	for _, start := range []string{"Exception in thread ", "Exception ignored ", "--- Logging error ", "Error in sys.", "Error in atexit.", "Original exception was:"} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	return strings.HasSuffix(line, "(most recent call first):")
}

// isTree reports whether line is one of the traceback of an exception group, which Python draws as a tree.
func isTree(line string, s stage) bool {
	drawn := strings.TrimLeft(line, " ")
	if len(drawn) == len(line) {
		return false
	}
	return strings.HasPrefix(drawn, "+ Exception Group Traceback (most recent call last):") ||
		(s == nested || s == raised) && (strings.HasPrefix(drawn, "|") || strings.HasPrefix(drawn, "+-"))
}
