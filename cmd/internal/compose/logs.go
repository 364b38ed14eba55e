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
		f, err := openLogFile(cfg.ErrorLog)
		if err != nil {
			return nil, err
		}
		l.file = &logFile{name: cfg.ErrorLog, f: f}
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

// openAccess returns what opens the access log.
func openAccess(name string, stdout *Outlet) func() (io.WriteCloser, error) {
	return func() (io.WriteCloser, error) {
		if name == "-" {
			return unclosed{stdout}, nil
		}
		return openLogFile(name)
	}
}

// unclosed is a writer that outlives the log: Server.Stop closes it.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }
