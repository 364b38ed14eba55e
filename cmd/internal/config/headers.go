package config

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// reservedFields are those that a response with a file has anyway, or that are another setting's.
var reservedFields = []string{
	"Accept-Ranges", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Range", "Content-Type", "Date", "Etag", "Expires",
	"Keep-Alive", "Last-Modified", "Location", "Trailer", "Transfer-Encoding", "Upgrade", "X-Content-Type-Options",
}

// headersSetting are fields that responses with a folder's files have.
func headersSetting[T any](reload bool, at func(*T) *[]string) schema.Setting {
	return schema.Setting{Key: "headers", Kind: schema.Pairs, Reload: reload, Derived: "none",
		Set: schema.Set(func(group *T, in schema.Input) error {
			for _, v := range in.Values {
				name, value, ok := strings.Cut(v, "=")
				switch {
				case !ok || !isToken(name) || value == "" || strings.TrimSpace(value) != value || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }):
					return fmt.Errorf("%q is not the name of a field and its value", v)
				case slices.Contains(reservedFields, http.CanonicalHeaderKey(name)):
					return fmt.Errorf("%s is a field that standpipe writes itself; cache_control, types and charset set its value", name)
				}
				*at(group) = append(*at(group), name, value)
			}
			return nil
		}),
		Show: schema.Show(func(group *T) (string, bool) {
			var out []string
			for c := range slices.Chunk(*at(group), 2) {
				out = append(out, c[0]+"="+c[1])
			}
			return strings.Join(out, "; "), len(out) > 0
		})}
}

func showPairs(m map[string]string) (string, bool) {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, name+"="+m[name])
	}
	return strings.Join(out, "; "), len(out) > 0
}

// isToken reports whether s is a token (RFC 9110 5.6.2).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
	})
}
