package rewrite

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
	"github.com/standpipe/standpipe/bridge/target"
)

// Rule says how a path changes. The path lies below Prefix. At most one of Template and the others is set.
type Rule struct {
	// Prefix is the route's path: "" or "/legacy", without a slash at the end.
	Prefix string
	// Strip removes Prefix; Add is put in front of what is left: "" or "/v2". With both the prefix is
	// replaced.
	Strip bool
	Add   string
	// Mounted: what was stripped is the beginning of the app's mount (SCRIPT_NAME), because clients see it.
	Mounted bool
	// Template makes the whole path, and perhaps the query; nil: none does.
	Template *target.Template
	// Find finds the groups that Template names; nil: it names none.
	Find target.Find
}

// apply returns the changed URL. Not ok: the result is no path below the fixed part of the rule.
func (l *Rule) apply(r *http.Request, n *httpx.RequestInfo) (u *url.URL, ok bool) {
	changed := *r.URL
	u = &changed
	if l.Template == nil {
		raw := httpx.RawPath(u)
		if l.Strip {
			raw = httpx.CutRawPrefix(raw, len(l.Prefix))
		}
		if raw = escape(l.Add) + raw; raw == "" {
			raw = "/"
		}
		return u, httpx.SetRawPath(u, raw) && below(u.Path, l.Add+"/")
	}
	parts, ok := target.PartsOf(r, n, l.Find)
	if !ok {
		return nil, false
	}
	path, query, keep := l.Template.Path(&parts)
	if !keep {
		u.RawQuery = query
	}
	folder, err := url.PathUnescape(l.Template.Folder())
	return u, err == nil && httpx.SetRawPath(u, path) && below(u.Path, folder)
}

// below reports whether the path lies in the folder, or is the folder without its slash.
func below(path, folder string) bool {
	return strings.HasPrefix(path, folder) || path+"/" == folder
}

// escape is a decoded path as it is written.
func escape(path string) string {
	u := url.URL{Path: path}
	return u.EscapedPath()
}
