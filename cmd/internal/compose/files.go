package compose

import (
	"net/http"

	"github.com/standpipe/standpipe/bridge/compress"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/staticfiles"
)

// Static lists the folders of an app that are served without it, and those that it declares
// and that are not served; empty: those of [[static]].
func (s *Server) Static(app string) []staticfiles.Folder {
	t := s.site.Load()
	if r := t.run(app); r != nil {
		return r.files.Folders()
	}
	if app != "" {
		return nil
	}
	return s.files.Server(t.cfg)
}

// withFiles puts an app's static files in front of it, and compression around it.
func (s *Server) withFiles(cfg *config.Config, r run, app http.Handler, pages *httpx.Pages) http.Handler {
	if r.app.Files.CompressApp && len(cfg.Files.CompressCodings) > 0 {
		app = compress.New(compress.Options{Next: app, Codings: cfg.Files.CompressCodings, Types: cfg.Files.MediaTypes(), MinSize: cfg.Files.CompressMin})
	}
	return s.files.Handler(cfg, r.files, app, pages)
}
