package compose

import (
	"errors"
	"os"
	"sync"

	"github.com/standpipe/standpipe/cmd/internal/config"
)

// logFile is a log's file that may be opened anew under its name.
type logFile struct {
	name  string
	owner *config.Identity // whose a new one is

	mu sync.Mutex
	f  *os.File
}

// Write writes p into one file, whole.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Write(p)
}

// Reopen opens the file anew. When that fails, the old one goes on.
func (l *logFile) Reopen() error {
	f, err := openLogFile(l.name, l.owner)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.f
	l.f = f
	return old.Close()
}

func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Close()
}

// ReopenLogs opens the access log and the error log anew under their names, after
// somebody has renamed the files. No line is lost: what is not written yet goes into
// the new file. A log that cannot be opened goes on in the old one, and is in the
// error.
func (s *Server) ReopenLogs() error {
	var access, errorLog error
	if s.access != nil {
		access = s.access.Reopen()
	}
	if s.log.file != nil {
		errorLog = s.log.file.Reopen()
	}
	return errors.Join(access, errorLog)
}
