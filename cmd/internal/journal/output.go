package journal

import (
	"fmt"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/bridge/logtext"
	"github.com/standpipe/standpipe/cmd/internal/errorlog"
	"github.com/standpipe/standpipe/supervisor"
)

// output logs what an app printed.
func (j *Journal) output(e supervisor.Output) {
	pairs := []any{"app", e.App, "worker", e.Worker, "pid", e.Pid, "stream", "output"}
	if e.ID != "" {
		pairs = append(pairs, "id", e.ID)
	}
	level := hclog.LevelFromString(e.Level)
	if level == hclog.NoLevel || strings.HasPrefix(e.Text, loggingFailed) {
		level = levelOf(e.Text)
	}
	if at, exception := raised(e.Text); at != "" {
		pairs = append(pairs, "at", logtext.Cut(at, logtext.Line), "exception", logtext.Cut(exception, logtext.Line))
	}
	j.log.Log(level, errorlog.Output, append(pairs, "message", e.Text)...)
}

const (
	traceback     = "Traceback (most recent call last)" // rich has no colon behind it
	crashed       = "Fatal Python error"
	loggingFailed = "--- Logging error ---" // a handler that raises prints this at whatever level it was writing
)

// levelOf guesses the level of output without one: of threads, children, C code, or a logger that is not Python's logging. A
// traceback is an error; a line in one of the usual forms has the level that it names; everything else is information.
func levelOf(text string) hclog.Level {
	if strings.Contains(text, traceback) || strings.HasPrefix(text, crashed) || strings.HasPrefix(text, loggingFailed) {
		return hclog.Error
	}
	first, _, _ := strings.Cut(text, "\n")
	if strings.HasPrefix(first, "{") {
		return levelInJSON(first[:min(len(first), maxJSON)])
	}
	first = withoutColors(first[:min(len(first), 512)])
	if isWarning(first) {
		return hclog.Warn
	}
	for i, word := range strings.FieldsFunc(first[:min(len(first), 120)], func(c rune) bool { return c == ' ' || c == '\t' }) {
		if i == 6 {
			break
		}
		if level := named(word, i == 0); level != hclog.NoLevel {
			return level
		}
	}
	return hclog.Info
}

// named is the level that a word of a log line names: "ERROR:root:text" or "ERROR:"
// at the line's start, "[error" or "[ERROR]" (structlog), "ERROR" between others. A
// word in small letters without a mark is one of a sentence.
func named(word string, first bool) hclog.Level {
	if isGlog(word) && first {
		return glog[word[0]]
	}
	bare := strings.Trim(word, "[]()<>:|,")
	marked := strings.HasPrefix(word, "[") || strings.HasPrefix(word, "level=") || strings.HasPrefix(word, "lvl=")
	if first && !marked {
		var found bool
		bare, _, found = strings.Cut(bare, ":")
		marked = found || strings.HasSuffix(word, ":")
	}
	if i := strings.IndexByte(bare, '='); i >= 0 {
		bare = strings.Trim(bare[i+1:], `"'`)
	}
	if !marked && bare != strings.ToUpper(bare) {
		return hclog.NoLevel
	}
	return levelNamed(bare)
}

// glog are the letters of the lines of glog and absl (gRPC, TensorFlow): "E1128 20:00:00.000000 12 file.cc:8] text".
var glog = map[byte]hclog.Level{'I': hclog.Info, 'W': hclog.Warn, 'E': hclog.Error, 'F': hclog.Error}

func isGlog(word string) bool {
	return len(word) == 5 && glog[word[0]] != hclog.NoLevel && strings.Trim(word[1:], "0123456789") == ""
}

func levelNamed(s string) hclog.Level {
	switch strings.ToLower(s) {
	case "critical", "fatal", "error", "err", "exception", "emerg", "alert", "crit":
		return hclog.Error
	case "warning", "warn":
		return hclog.Warn
	case "info", "notice":
		return hclog.Info
	case "debug", "trace":
		return hclog.Debug
	}
	return hclog.NoLevel
}

// isWarning reports whether the line is one of Python's module warnings: "shop/views.py:12: DeprecationWarning: text".
func isWarning(line string) bool {
	name, _, ok := strings.Cut(line, "Warning: ")
	if !ok {
		return false
	}
	i := strings.LastIndex(name, ": ")
	place := name[:max(i, 0)]
	_, number, ok := cutLast(place, ':')
	return ok && number != "" && strings.Trim(number, "0123456789") == "" && !strings.ContainsAny(name[i+1:], "(){}")
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// maxJSON bounds how far a line of JSON is looked at, in bytes: some loggers write the level behind the message.
const maxJSON = 8 << 10

// levelInJSON looks for the usual keys of JSON loggers in a line, which may be cut.
func levelInJSON(line string) hclog.Level {
	for _, key := range []string{`"level"`, `"levelname"`, `"severity"`, `"log_level"`, `"log.level"`} {
		_, rest, ok := strings.Cut(line, key)
		if !ok {
			continue
		}
		rest, ok = strings.CutPrefix(strings.TrimLeft(rest, " "), ":")
		if !ok {
			continue
		}
		rest = strings.TrimLeft(rest, " ")
		if strings.HasPrefix(rest, "{") { // loguru: {"level": {"icon": ..., "name": "ERROR"}}
			_, rest, _ = strings.Cut(rest, `"name"`)
			rest = strings.TrimLeft(rest, ": ")
		}
		rest, ok = strings.CutPrefix(rest, `"`)
		if !ok {
			continue
		}
		value, _, _ := strings.Cut(rest, `"`)
		if level := levelNamed(value); level != hclog.NoLevel {
			return level
		}
	}
	return hclog.Info
}

// withoutColors drops SGR sequences.
func withoutColors(s string) string {
	for {
		start := strings.Index(s, "\x1b[")
		if start < 0 {
			return s
		}
		n := strings.IndexByte(s[start:], 'm')
		if n < 0 {
			return s[:start]
		}
		s = s[:start] + s[start+n+1:]
	}
}

// raised returns the place of the innermost call in the app's own code, "shop/views.py:12
// in boom", and the exception, of the last traceback in text; empty: there is none.
func raised(text string) (at, exception string) {
	i := strings.LastIndex(text, traceback)
	if i < 0 {
		if strings.HasPrefix(text, crashed) {
			exception, _, _ = strings.Cut(text, "\n")
			return crashedAt(text), exception
		}
		return "", ""
	}
	var own bool
	group := strings.Contains(text, "Exception Group "+traceback)
	for line := range strings.Lines(text[i:]) {
		trimmed := strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(trimmed, "| "); ok && group {
			line, trimmed = rest, strings.TrimSpace(rest)
		}
		if place, ok := frameOf(strings.TrimPrefix(trimmed, "> ")); ok { // loguru marks the frame that logs
			if mine := !installed(place); mine || !own {
				at, own = place, mine
			}
			continue
		}
		if exception == "" && at != "" && trimmed != "" && !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t") {
			exception = trimmed
		}
	}
	return at, exception
}

// installed reports whether a place is in a package or in Python itself.
func installed(place string) bool {
	return strings.Contains(place, "-packages/") || strings.Contains(place, "/lib/python") || strings.HasPrefix(place, "<frozen ")
}

// frameOf reads a line of a traceback: 'File "x.py", line 3, in f', or without the
// comma, as faulthandler writes it.
func frameOf(line string) (string, bool) {
	rest, ok := strings.CutPrefix(line, `File "`)
	if !ok {
		return "", false
	}
	file, rest, ok := strings.Cut(rest, `", line `)
	if !ok {
		return "", false
	}
	number, function, ok := strings.Cut(rest, " in ")
	number = strings.TrimSuffix(number, ",")
	if !ok {
		return fmt.Sprintf("%s:%s", file, number), true
	}
	return fmt.Sprintf("%s:%s in %s", file, number, function), true
}

// crashedAt is the place in which a process crashed, from the text that Python prints then.
func crashedAt(stacks string) string {
	_, current, ok := strings.Cut(stacks, "Current thread 0x")
	if !ok {
		return Stuck(stacks)
	}
	current, _, _ = strings.Cut(current, "\n\n")
	var at string
	for line := range strings.Lines(current) { // the newest call first
		place, ok := frameOf(strings.TrimSpace(line))
		if !ok || strings.Contains(place, "standpipe_shim") {
			continue
		}
		if !installed(place) {
			return place
		}
		if at == "" {
			at = place
		}
	}
	return at
}
