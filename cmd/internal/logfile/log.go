package logfile

import (
	"bytes"
	"io"
	"os"
	"runtime"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/term"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/errorlog"
	"github.com/standpipe/standpipe/cmd/internal/events"
)

// Log is the error log. Close writes what is buffered.
type Log struct {
	hclog.Logger
	// Text: the log is written for people, not as JSON.
	Text bool
	// Out is where the log goes. Other output for people goes there too, to keep the order.
	Out  *Outlet
	file *File // nil: the log goes to standard error

	records *errorlog.Logger
}

// ForPeople reports whether people at standard error read the log, and nothing else does.
func (l *Log) ForPeople() bool { return l.Text && l.file == nil }

// Take has take see each record first: one that it takes is not written. nil ends that.
func (l *Log) Take(take func(errorlog.Taken) bool) { errorlog.Take(l.records, take) }

// Open opens the error log that cfg names; "-" is stderr.
func Open(cfg *config.Config, stderr io.Writer) (*Log, error) {
	l := &Log{}
	out, terminal := stderr, IsTerminal(stderr)
	if cfg.Logs.Error != "-" && cfg.Logs.Error != "" {
		f, err := openFile(cfg.Logs.Error, cfg.Account.Identity)
		if err != nil {
			return nil, err
		}
		l.file = f
		out, terminal = f, false
	}
	l.Text = cfg.Logs.Format == "text" || cfg.Logs.Format != "json" && terminal
	f, _ := out.(*os.File)
	priorities := f != nil && errorlog.ToJournal(f)
	l.Out = NewOutlet(out, l.dropped)
	l.records = errorlog.New(errorlog.Options{
		Level: hclog.LevelFromString(cfg.Logs.Level), Out: l.Out, Text: l.Text, Priorities: priorities, Sentence: events.Sentence,
		Terminal: terminal, Color: terminal && os.Getenv("NO_COLOR") == "" && runtime.GOOS != "windows",
	})
	l.Logger = l.records
	return l, nil
}

// dropped returns the record of dropped writes. It goes to the Outlet itself.
func (l *Log) dropped(writes int) []byte {
	var b bytes.Buffer
	errorlog.New(errorlog.Options{Level: hclog.Warn, Out: &b, Text: l.Text, Sentence: events.Sentence}).Warn("log_dropped", "log", "error", "writes", writes)
	return b.Bytes()
}

// DroppedAccess logs that writes to the access log were dropped. It returns nothing to write there.
func (l *Log) DroppedAccess(writes int) []byte {
	l.Warn("log_dropped", "log", "access", "writes", writes)
	return nil
}

// Reopen reopens the log's file under its name. Buffered records go into the new file.
func (l *Log) Reopen() error {
	if l.file == nil {
		return nil
	}
	return l.file.Reopen()
}

// Close writes what is buffered and closes the log's file.
func (l *Log) Close() {
	l.Out.Close()
	if l.file != nil {
		l.file.Close()
	}
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Width is how many columns a terminal has; 0: w is none, or it does not say.
func Width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}
