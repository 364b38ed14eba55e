package errorlog

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// appError is the event of an exception that the app raised.
const appError = "app_error"

// inTraceback is what every traceback of Python has.
const inTraceback = "Traceback (most recent call last):"

const (
	faint     = "\x1b[2m"
	bright    = "\x1b[1m"
	red       = "\x1b[91m"
	uncolored = "\x1b[0m"
)

var frameLine = regexp.MustCompile(`^  File "([^"]+)", line \d+`)

// ownFramesFirst is a text for people at a terminal: in each traceback of it the frames of the app come first, and then, faint, those of
// libraries. Both keep their order. A text that is no traceback, and one of an exception group, stay as they are.
func ownFramesFirst(s string, color bool) string {
	if !strings.Contains(s, inTraceback) {
		return s
	}
	paint := func(code, line string) string {
		if !color || line == "" {
			return line
		}
		return code + line + uncolored
	}
	var out []string
	lines := strings.Split(s, "\n")
	for i := 0; i < len(lines); {
		line := lines[i]
		i++
		if line != inTraceback {
			out = append(out, line)
			continue
		}
		out = append(out, paint(faint, line))
		own, library, next := frames(lines[i:])
		for _, l := range own {
			if frameLine.MatchString(l) {
				l = paint(bright, l)
			}
			out = append(out, l)
		}
		for _, l := range library {
			out = append(out, paint(faint, l))
		}
		i += next
		if i < len(lines) && (len(own) > 0 || len(library) > 0) {
			out = append(out, paint(red, lines[i])) // the exception
			i++
		}
	}
	return strings.Join(out, "\n")
}

// forTerminal makes a record shorter: fields that are empty are left out, an exception of the app is its own sentence, and the app's frames
// of a traceback come first.
func (r *record) forTerminal(color bool) {
	raised := ""
	r.fields = slices.DeleteFunc(r.fields, func(f field) bool {
		text, isText := f.value.(string)
		if r.event == appError && f.key == "error" {
			raised = text
		}
		return isText && text == "" || r.event == appError && (f.key == "app" || f.key == "error" || f.key == "at") // worker has the app's name
	})
	r.fields = slices.DeleteFunc(r.fields, func(f field) bool { // it says no more, or a person has ended the debugger
		text, isText := f.value.(string)
		return isText && f.key == "traceback" && raised != "" && (!strings.Contains(text, "\n") || strings.Contains(raised, ": DebuggerQuit: "))
	})
	if raised != "" {
		r.message, r.made = raised, false
	}
	if r.event == Output {
		r.message = ownFramesFirst(shortLines(r.message), color)
	}
	for i, f := range r.fields {
		if s, isText := f.value.(string); isText && f.key == "traceback" {
			r.fields[i].value = ownFramesFirst(shortLines(strings.TrimRight(s, "\n")), color)
		}
	}
}

// lineMost bounds a line of a traceback at a terminal, in bytes: an exception's text may hold a whole document.
const lineMost = 2 << 10

// shortLines has no longer lines, where a text has a traceback. What else an app prints stays whole.
func shortLines(s string) string {
	if len(s) <= lineMost || !strings.Contains(s, inTraceback) {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if len(line) > lineMost {
			n := lineMost
			for n > lineMost-utf8.UTFMax && !utf8.RuneStart(line[n]) {
				n--
			}
			lines[i] = fmt.Sprintf("%s...+%d", line[:n], len(line)-n)
		}
	}
	return strings.Join(lines, "\n")
}

// frames are the lines of a traceback, those of the app and those of libraries, and how many they are.
func frames(lines []string) (own, library []string, n int) {
	to := &own
	for n < len(lines) && strings.HasPrefix(lines[n], "  ") {
		if m := frameLine.FindStringSubmatch(lines[n]); m != nil {
			if to = &own; isLibrary(m[1]) {
				to = &library
			}
		}
		*to = append(*to, lines[n])
		n++
	}
	return own, library, n
}

// isLibrary reports whether a file belongs to an installed package or to Python.
func isLibrary(path string) bool {
	path = strings.ReplaceAll(path, `\`, "/")
	for _, part := range []string{"/site-packages/", "/dist-packages/", "/lib/python3", "/lib64/python3", "/lib/pypy3", "/standpipe_shim/"} {
		if strings.Contains(path, part) {
			return true
		}
	}
	return strings.HasPrefix(path, "<")
}
