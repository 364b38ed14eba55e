package proxy

import (
	"net/url"
	"strings"

	"github.com/standpipe/standpipe/bridge/httpx"
)

// cutPrefix removes prefix, under which the path is known to be, from both of its spellings. The rest begins with a slash,
// also when that one came encoded.
func cutPrefix(u *url.URL, prefix string) {
	raw := httpx.CutRawPrefix(httpx.RawPath(u), len(prefix))
	if u.Path = u.Path[len(prefix):]; u.Path == "" {
		u.Path, raw = "/", "/"
	}
	u.RawPath = raw
}

// verbatim has the path written as it came; net/url would encode what it would write in another way. A "#" would end the
// target.
func verbatim(u *url.URL) {
	raw := strings.ReplaceAll(httpx.RawPath(u), "#", "%23")
	if raw != u.EscapedPath() && !strings.HasPrefix(raw, "//") { // net/url takes such a one for a host
		u.Opaque = raw
	}
}
