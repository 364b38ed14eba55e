package static

import (
	_ "embed"
	"strings"
)

// The tables of the operating system are not used: two machines must agree.
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
		for _, suffix := range f[1:] {
			m[suffix] = f[0]
		}
	}
	return m
}()

const octetStream = "application/octet-stream"

// typeOf is the media type of a file by its name: the mount's types first, then the table.
func (s *openMount) typeOf(name string) string {
	if len(s.Types) > 0 {
		base := strings.ToLower(name[strings.LastIndexByte(name, '/')+1:])
		if kind, ok := s.Types[base]; ok {
			return kind
		}
		if dot := strings.LastIndexByte(base, '.'); dot >= 0 {
			if kind, ok := s.Types[base[dot:]]; ok {
				return kind
			}
		}
	}
	return typeOf(name)
}

// TypeOf is the media type of a file by its name.
func TypeOf(name string) string { return typeOf(name) }

// typeOf is the media type in the table.
func typeOf(name string) string {
	base := name[strings.LastIndexByte(name, '/')+1:]
	dot := strings.LastIndexByte(base, '.')
	if dot < 0 {
		return octetStream
	}
	suffix := base[dot+1:]
	if kind, ok := types[suffix]; ok {
		return kind
	}
	if kind, ok := types[strings.ToLower(suffix)]; ok {
		return kind
	}
	return octetStream
}
