package compose

import (
	"net/http"
	"slices"

	"github.com/standpipe/standpipe/bridge/fastcgi"
	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/staticfiles"
)

// scripts is the handler of a route: next, or what chooses the script that next runs.
func (t *site) scripts(p *parts, r *config.Route, next http.Handler, pages *httpx.Pages) http.Handler {
	c := &r.Scripts
	if c.Root == "" && c.UpstreamRoot == "" {
		return next
	}
	o := fastcgi.ScriptsOptions{Prefix: r.Stripped(), Split: c.Split, Index: c.Index, Missing: c.Script(), Root: c.UpstreamRoot, Next: next, Pages: pages}
	if root, files := p.static.Root(t.cfg, r, pages); root != nil {
		t.roots = append(t.roots, root)
		o.Look, o.Files = root.Look, files
	}
	return fastcgi.NewScripts(o)
}

// folders are all that serve files without an app.
func (t *site) folders() []*staticfiles.Hosts { return slices.Concat(t.hosts, t.roots) }
