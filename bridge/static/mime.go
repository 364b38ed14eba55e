package static

import (
	_ "embed"
	"strings"
)

// What a machine's own tables say is not asked: two machines must agree.
//
//go:embed mime.txt
var typeTable string

// types maps a suffix without its dot, in lower case, to a media type.
var types = func() map[string]string {
	m := make(map[string]string)
	for line := range strings.Lines(typeTable) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] == "#" {
			continue
		}
		kind := f[0]
		if spelled := textual(kind); spelled {
			kind += "; charset=utf-8"
		}
		for _, suffix := range f[1:] {
			m[suffix] = kind
		}
	}
	return m
}()

// textual types are sent with a charset: without one some clients still guess.
// JSON and SVG say for themselves what they are (RFC 8259 8.1, RFC 7303 3).
func textual(kind string) bool {
	return strings.HasPrefix(kind, "text/")
}

const octets = "application/octet-stream"

// typeOf is the media type of a file by its name.
func typeOf(name string) string {
	base := name[strings.LastIndexByte(name, '/')+1:]
	dot := strings.LastIndexByte(base, '.')
	if dot < 0 {
		return octets
	}
	suffix := base[dot+1:]
	if kind, ok := types[suffix]; ok {
		return kind
	}
	if kind, ok := types[strings.ToLower(suffix)]; ok {
		return kind
	}
	return octets
}
