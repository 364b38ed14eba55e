package compose

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/caddyserver/certmagic"
	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/cmd/internal/acme"
	"github.com/standpipe/standpipe/cmd/internal/acme/redisstore"
	"github.com/standpipe/standpipe/cmd/internal/certs"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/localca"
)

// StoredCertificates lists the certificates that a server with this configuration would begin with; no server needs to run, and
// nothing is made. The list has all that can be read, whatever the error says.
func StoredCertificates(ctx context.Context, cfg *config.Config) ([]certs.Info, error) {
	var pairs []certs.Pair
	for _, c := range cfg.AllCertificates() {
		pairs = append(pairs, certs.Pair(c))
	}
	list := certs.Describe(pairs)
	var failed error
	if dir := localca.Folder(runtime.GOOS, os.Getenv); dir != "" {
		switch ca, err := localca.Read(dir); {
		case err == nil:
			list = append(list, ca.Info())
		case !errors.Is(err, localca.ErrNone):
			failed = err
		}
	}
	automatic, err := storedAutomatic(ctx, cfg)
	if err != nil {
		err = fmt.Errorf("acme_storage: %w", err)
	}
	return append(list, automatic...), errors.Join(failed, err)
}

// storedAutomatic are those from CAs that speak ACME.
func storedAutomatic(ctx context.Context, cfg *config.Config) ([]certs.Info, error) {
	var storage certmagic.Storage
	switch dir := cfg.ACME.Storage; {
	case dir == "redis":
		store, err := redisstore.Open(cfg.Servers.Redis, redisPrefix, hclog.NewNullLogger())
		if err != nil {
			return nil, err
		}
		defer store.Close()
		storage = store
	default:
		if dir == "" {
			dir, _ = config.CertificateFolder(os.Getenv, os.Getuid())
		}
		if _, err := os.Stat(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		storage = &certmagic.FileStorage{Path: dir}
	}
	read, err := acme.List(ctx, storage, cfg.AutomaticNames().Public...)
	return acme.Described(read), err
}
