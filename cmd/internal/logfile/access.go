package logfile

import (
	"io"

	"github.com/standpipe/standpipe/cmd/internal/config"
)

// Access returns the function that opens the access log: the file of that name, or stdout for "-".
func Access(name string, owner *config.Identity, stdout *Outlet) func() (io.WriteCloser, error) {
	return func() (io.WriteCloser, error) {
		if name == "-" {
			return keepOpen{stdout}, nil
		}
		return appendTo(name, owner)
	}
}

// keepOpen is a writer that outlives the log: its owner closes it.
type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }
