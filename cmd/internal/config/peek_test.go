package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPeek(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"":                                   "",
		"control = \"/run/x.sock\"\nbad = 1": "/run/x.sock",
		"control = \"x.sock\"":               filepath.Join(dir, "x.sock"),
		"control = \"off\"":                  "off",
		"control = 1":                        "",
		"control = ":                         "",
		"[log]\ncontrol = \"x\"":             "",
	} {
		file := filepath.Join(dir, "standpipe.toml")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := Peek(file, "control"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := Peek(filepath.Join(dir, "none"), "control"); got != "" {
		t.Errorf("a missing file says %q", got)
	}
}
