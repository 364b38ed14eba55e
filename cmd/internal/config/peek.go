package config

import (
	"os"
	"path/filepath"

	"github.com/pelletier/go-toml/v2"

	"github.com/standpipe/standpipe/cmd/internal/config/schema"
)

// Peek reads one path among the settings at the top of a configuration file, without checking the rest: commands for a
// running server find its socket there. Empty: there is no such file or key, or it names a variable that is not set.
func Peek(file, key string) string {
	text, err := readBounded(file)
	if err != nil {
		return ""
	}
	doc := map[string]any{}
	if toml.Unmarshal(text, &doc) != nil {
		return ""
	}
	v, _ := doc[key].(string)
	v, _, err = schema.Expand(v, schema.NewEnvironment(os.Environ()))
	if err != nil {
		return ""
	}
	if v == "" || v == "off" || filepath.IsAbs(v) {
		return v
	}
	return filepath.Join(filepath.Dir(file), v)
}
