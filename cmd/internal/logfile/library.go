package logfile

import (
	stdlog "log"
	"strings"

	"github.com/hashicorp/go-hclog"
)

// Libraries has the lines that libraries write by Go's package log come into this log, as events "library". It is for the whole
// process, and is called once.
func (l *Log) Libraries() {
	stdlog.SetFlags(0)
	stdlog.SetOutput(libraries{l.Logger})
}

type libraries struct{ log hclog.Logger }

// Write takes one message.
func (l libraries) Write(p []byte) (int, error) {
	level, text := libraryLevel(strings.TrimSpace(string(p)))
	l.log.Log(level, "library", "detail", text)
	return len(p), nil
}

// libraryLevel reads the level that a message begins with; one that names none is a warning: libraries that log in this way have no
// other place for an error.
func libraryLevel(text string) (hclog.Level, string) {
	if strings.HasPrefix(text, "panic:") {
		return hclog.Error, text
	}
	if word, rest, ok := strings.Cut(text, "] "); ok && strings.HasPrefix(word, "[") {
		switch strings.TrimPrefix(word, "[") {
		case "ERROR", "ERR":
			return hclog.Error, rest
		case "WARNING", "WARN":
			return hclog.Warn, rest
		case "INFO":
			return hclog.Info, rest
		case "DEBUG":
			return hclog.Debug, rest
		}
	}
	return hclog.Warn, text
}
