package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Files are the settings of all files that are served without an app.
type Files struct {
	Overlap         time.Duration `key:"static_overlap"` // how long a folder that a reload replaced is still searched
	Cache           int64         `key:"static_cache"`   // bytes of file contents in memory
	CompressTypes   []string      // media types
	CompressMin     int64         `key:"compress_min"` // bytes
	CompressCodings []string      // of codings
}

var codings = []string{"br", "zstd", "gzip"}

// Settings are keys at the top.
func (*Files) Settings() schema.Group {
	return schema.Group{Settings: []schema.Setting{
		{Key: "static_overlap", Kind: schema.Duration, Default: "10m", Reload: true},
		{Key: "static_cache", Kind: schema.Size, Default: "64MiB", Derived: "1/16 of the memory limit, or a fifth of memory_budget, where that is less"},
		{Key: "compress_types", Kind: schema.List, Reload: true, Hint: "TYPE,...", Default: defaultTypes,
			Set: schema.Set(setCompressTypes), Show: schema.Show(func(f *Files) (string, bool) { return strings.Join(f.CompressTypes, ","), true })},
		{Key: "compress_min", Kind: schema.Size, Default: "1KiB", Reload: true},
		{Key: "compress_codings", Kind: schema.List, Default: "br,zstd,gzip", Reload: true, Hint: "br,zstd,gzip",
			Set: schema.Set(setCodings), Show: schema.Show(func(f *Files) (string, bool) { return strings.Join(f.CompressCodings, ","), true })},
	}}
}

func setCompressTypes(f *Files, in schema.Input) error {
	f.CompressTypes = nil
	for _, v := range in.List() {
		if !strings.Contains(v, "/") && v != "*" && v != defaultTypes {
			return fmt.Errorf("%q is not a media type", v)
		}
		f.CompressTypes = append(f.CompressTypes, strings.ToLower(v))
	}
	return nil
}

func setCodings(f *Files, in schema.Input) error {
	list := in.List()
	for _, v := range list {
		if !slices.Contains(codings, v) {
			return fmt.Errorf("%q is not one of br, zstd, gzip", v)
		}
	}
	f.CompressCodings = list
	return nil
}

// defaultTypes stands for a list of media types.
const defaultTypes = "default"

// MediaTypes are those of compress_types.
func (f *Files) MediaTypes() []string {
	var out []string
	for _, t := range f.CompressTypes {
		if t != defaultTypes {
			out = append(out, t)
			continue
		}
		out = append(out, "text/*", "*/*+json", "*/*+xml", "application/javascript", "application/json", "application/json5", "application/wasm",
			"application/xml", "application/xml-dtd", "application/yaml", "application/toml", "application/sql", "application/graphql", "application/rtf",
			"application/postscript", "application/vnd.ms-fontobject", "application/x-ndjson", "application/x-sh", "font/ttf", "font/otf",
			"image/bmp", "image/x-icon", "image/vnd.microsoft.icon", "model/obj", "model/mtl", "model/stl")
	}
	return out
}
