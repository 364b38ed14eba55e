package config

import (
	"path/filepath"

	"github.com/pelletier/go-toml/v2"
)

// Peek reads one path of the server's settings at the top of a configuration file, without judging the rest: commands
// for a running server look there for its socket. Empty: there is no such file, or it does not say.
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
