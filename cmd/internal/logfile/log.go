package compose

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

// Log is the error log. Close writes what is left of it.
type Log struct {
	hclog.Logger
	// Text: it is written for people, not as JSON.
	Text bool
	// Out is where the log goes: what is written for people goes there too, so that
	// the order holds.
	Out  *Outlet
	file *logFile // nil: not a file of ours
}

// OpenLog opens the error log that cfg names; stderr is what "-" means.
func OpenLog(cfg *config.Config, stderr io.Writer) (*Log, error) {
	l := &Log{}
	out, terminal := stderr, isTerminal(stderr)
	if cfg.Logs.Error != "-" && cfg.Logs.Error != "" {
		f, err := openLogFile(cfg.Logs.Error, cfg.Account.Identity)
		if err != nil {
			return nil, err
		}
		l.file = &logFile{name: cfg.Logs.Error, owner: cfg.Account.Identity, f: f}
		out, terminal = l.file, false
	}
	l.Text = cfg.Logs.Format == "text" || cfg.Logs.Format != "json" && terminal
	f, _ := out.(*os.File)
	priorities := f != nil && errorlog.ToJournal(f)
	l.Out = NewOutlet(out, l.dropped)
	l.Logger = errorlog.New(errorlog.Options{
		Level: hclog.LevelFromString(cfg.Logs.Level), Out: l.Out, Text: l.Text, Priorities: priorities, Sentence: events.Sentence,
		Color: terminal && os.Getenv("NO_COLOR") == "" && runtime.GOOS != "windows",
	})
	return l, nil
}

// dropped is the record of writes for which there was no room.
func (l *Log) dropped(writes int) []byte {
	var b bytes.Buffer
	errorlog.New(errorlog.Options{Level: hclog.Warn, Out: &b, Text: l.Text, Sentence: events.Sentence}).Warn("log_dropped", "log", "error", "writes", writes)
	return b.Bytes()
}

// droppedAccess says so of the access log, in which a foreign line has no place.
func (l *Log) droppedAccess(writes int) []byte {
	l.Warn("log_dropped", "log", "access", "writes", writes)
	return nil
}

// Close writes what is left, and closes the log's file.
func (l *Log) Close() {
	l.Out.Close()
	if l.file != nil {
		l.file.Close()
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// openLogFile opens a log to append to it. A file that it makes belongs to owner, so
// that it can be opened again when root was given up; nil: to us. One that is there
// keeps its owner: in a folder of somebody else's it could be a link to anything.
func openLogFile(name string, owner *config.Identity) (*os.File, error) {
	const flags, mode = os.O_APPEND | os.O_WRONLY, 0o640
	f, err := os.OpenFile(name, flags|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return os.OpenFile(name, flags|os.O_CREATE, mode)
	}
	if owner != nil && os.Geteuid() == 0 {
		if err := f.Chown(int(owner.UID), int(owner.GID)); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

// openAccess returns what opens the access log.
func openAccess(name string, owner *config.Identity, stdout *Outlet) func() (io.WriteCloser, error) {
	return func() (io.WriteCloser, error) {
		if name == "-" {
			return unclosed{stdout}, nil
		}
		return openLogFile(name, owner)
	}
}

// unclosed is a writer that outlives the log: Server.Stop closes it.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }
