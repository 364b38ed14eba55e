package compose

import (
	"errors"
	"fmt"
	"slices"

	"github.com/standpipe/standpipe/cmd/internal/config"
)

// Prepare does what needs root privileges, and then drops them if the configuration says
// so. It is called once, when addresses and logs are open, before Start. What cannot be
// applied is an error: then only Stop is to be called.
func (s *Server) Prepare() error {
	cfg := s.Config()
	runtime, err := s.privileges.Drop(cfg, s.RuntimeDir())
	if err != nil {
		return err
	}
	s.folder.log = s.log
	s.folder.shared = slices.ContainsFunc(cfg.Apps, func(a config.App) bool { return a.Confine.Identity != nil })
	s.folder.parents = func() []string { return append(spoolParents(cfg, runtime), spoolParents(cfg, s.RuntimeDir())...) }
	err = s.openSpool(cfg, spoolParents(cfg, runtime))
	if err != nil && cfg.Folders.Spool != "" && cfg.Account.Identity != nil {
		return fmt.Errorf("%s cannot write to spool_dir %s: %w", cfg.Account.Identity, cfg.Folders.Spool, err)
	}
	return nil
}

// HelperGone is closed when the helper process has ended; nil: there is none.
func (s *Server) HelperGone() <-chan struct{} { return s.privileges.HelperGone() }

// ReopenLogs reopens the access log and the error log under their names, after their files
// were renamed. No line is lost: what is buffered goes into the new file. A log that
// cannot be opened continues in the old file, and is in the error.
func (s *Server) ReopenLogs() error {
	var access error
	if s.access != nil {
		access = s.access.Reopen()
	}
	return errors.Join(access, s.log.Reopen())
}
