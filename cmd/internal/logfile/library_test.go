package logfile

import (
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestLibraryLevel(t *testing.T) {
	for text, want := range map[string]hclog.Level{
		"[ERROR] a": hclog.Error, "panic: a\nb": hclog.Error, "[WARNING] a": hclog.Warn, "[INFO] a": hclog.Info, "[DEBUG] a": hclog.Debug, "a": hclog.Warn, "[::1] a": hclog.Warn, "": hclog.Warn,
	} {
		if level, _ := libraryLevel(text); level != want {
			t.Errorf("%q: %v", text, level)
		}
	}
	if _, text := libraryLevel("[ERROR] no [luck] today"); text != "no [luck] today" {
		t.Error(text)
	}
}
