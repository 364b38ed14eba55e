package config

import (
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// extraStaticSettings say what answers with a folder's files carry.
func extraStaticSettings() []*Setting {
	return []*Setting{
		headersSetting(OfStatic, "Fields that answers with these files have beside their own: `headers = { Access-Control-Allow-Origin = \"*\", Service-Worker-Allowed = \"/\" }`. With Access-Control-Allow-Origin among them, a folder that answers 404 for what it does not have answers OPTIONS (a browser's preflight) too.", func(t target) *[]string { return &t.static.Headers }),
		{Key: "charset", Scope: OfStatic, Kind: Text, NoEnv: true, Reload: true, Default: "auto",
			Doc: "The charset of text files: `auto` says utf-8 of those whose beginning is, and does not say that it is something else; `none` says nothing; any other word is said of all: `windows-1251`.",
			set: func(t target, in input) error {
				if v := in.last(); !isToken(v) {
					return fmt.Errorf("%q is not the name of a charset", v)
				}
				t.static.Charset = in.last()
				return nil
			}, show: func(t target) (string, bool) { return t.static.Charset, true }},
		{Key: "types", Scope: OfStatic, Kind: Pairs, NoEnv: true, Reload: true, Derived: "the built-in table",
			Doc: "Media types of suffixes and of whole names that are not the table's: `types = { \".glb\" = \"model/gltf-binary\", \"apple-app-site-association\" = \"application/json\" }`.",
			set: func(t target, in input) error {
				for _, v := range in.values {
					name, kind, ok := strings.Cut(v, "=")
					if _, _, err := mime.ParseMediaType(kind); !ok || name == "" || strings.Contains(name, "/") || !strings.Contains(kind, "/") || err != nil {
						return fmt.Errorf("%q is not a suffix or a name, and a media type", v)
					}
					if t.static.Types == nil {
						t.static.Types = map[string]string{}
					}
					t.static.Types[strings.ToLower(name)] = kind
				}
				return nil
			}, show: func(t target) (string, bool) {
				var out []string
				for _, name := range slices.Sorted(maps.Keys(t.static.Types)) {
					out = append(out, name+"="+t.static.Types[name])
				}
				return strings.Join(out, "; "), len(out) > 0
			}},
	}
}

// ownFields are those that an answer with a file has of its own, or that are another
// setting's.
var ownFields = []string{
	"Accept-Ranges", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Range", "Content-Type", "Date", "Etag", "Expires",
	"Keep-Alive", "Last-Modified", "Location", "Trailer", "Transfer-Encoding", "Upgrade", "X-Content-Type-Options",
}

func headersSetting(scope Scope, doc string, at func(target) *[]string) *Setting {
	return &Setting{Key: "headers", Scope: scope, Kind: Pairs, NoEnv: true, Reload: scope == OfStatic, Derived: "none", Doc: doc,
		set: func(t target, in input) error {
			for _, v := range in.values {
				name, value, ok := strings.Cut(v, "=")
				switch {
				case !ok || !isToken(name) || value == "" || strings.TrimSpace(value) != value || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }):
					return fmt.Errorf("%q is not the name of a field and its value", v)
				case slices.Contains(ownFields, http.CanonicalHeaderKey(name)):
					return fmt.Errorf("%s is a field that answers have of their own; cache_control, types and charset say what it is", name)
				}
				*at(t) = append(*at(t), name, value)
			}
			return nil
		}, show: func(t target) (string, bool) {
			var out []string
			for c := range slices.Chunk(*at(t), 2) {
				out = append(out, c[0]+"="+c[1])
			}
			return strings.Join(out, "; "), len(out) > 0
		}}
}

// isToken reports whether s is a token (RFC 9110 5.6.2).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
	})
}
