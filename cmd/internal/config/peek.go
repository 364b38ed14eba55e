package config

import (
	"path/filepath"

	"github.com/pelletier/go-toml/v2"
)

// Peek reads one path among the settings at the top of a configuration file, without checking the rest: commands for a
// running server find its socket there. Empty: there is no such file or key.
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
	if v == "" || v == "off" || filepath.IsAbs(v) {
		return v
	}
	return filepath.Join(filepath.Dir(file), v)
}
