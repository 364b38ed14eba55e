package compose

import (
	"io"
	"os"
	"runtime"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/term"

	"github.com/standpipe/standpipe/cmd/internal/config"
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
	if cfg.ErrorLog != "-" && cfg.ErrorLog != "" {
		f, err := openLogFile(cfg.ErrorLog, cfg.Identity)
		if err != nil {
			return nil, err
		}
		l.file = &logFile{name: cfg.ErrorLog, owner: cfg.Identity, f: f}
		out, terminal = l.file, false
	}
	l.Text = cfg.LogFormat == "text" || cfg.LogFormat != "json" && terminal
	color := hclog.ColorOff
	if terminal && os.Getenv("NO_COLOR") == "" && runtime.GOOS != "windows" {
		color = hclog.ForceColor
	}
	l.Out = NewOutlet(out)
	l.Logger = hclog.New(&hclog.LoggerOptions{
		Level: hclog.LevelFromString(cfg.LogLevel), Output: l.Out, JSONFormat: !l.Text,
		Color: color, ColorHeaderOnly: true,
	})
	return l, nil
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
