package compose

import (
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/localca"
	"github.com/standpipe/standpipe/cmd/internal/logfile"
)

// newLocal opens the CA for names of this machine alone, or makes it: before the process drops privileges, so that the folder
// stays with the user who has started it, and the apps' users cannot read the key. nil: https has no such name. kept is what the
// process before this one has passed on.
func newLocal(cfg *config.Config, log *logfile.Log, kept []byte) (*localca.Source, error) {
	names := cfg.AutomaticNames().Local
	if len(names) == 0 {
		return nil, nil
	}
	ca, created, err := localca.Open(cfg.ACME.LocalCA)
	if errors.Is(err, fs.ErrPermission) && kept != nil {
		ca, err = localca.Restore(kept)
	}
	if err != nil {
		return nil, err
	}
	s, err := localca.New(ca, names, log)
	if err != nil {
		return nil, err
	}
	log.Info("local_ca", "path", ca.Path, "names", strings.Join(names, ", "), "created", created)
	if left := time.Until(ca.Cert.NotAfter); left < 30*24*time.Hour {
		log.Warn("certificate_expires", "path", ca.Path, "names", ca.Name(), "days", int(left.Hours()/24),
			"message", "the local CA expires on "+ca.Cert.NotAfter.Format(time.DateOnly)+"; run standpipe certs untrust, remove its folder, restart, and run standpipe certs trust")
	}
	return s, nil
}

// TrustsLocal reports whether this machine's own store has the local CA. Browsers may have stores of their own.
func (s *Certificates) TrustsLocal() bool { return s != nil && s.local != nil && s.local.Trusted() }
