//go:build !race

package listen

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestWritesAllocateNothing(t *testing.T) {
	c, client := pairOn(t, "tcp", NewGroup(Options{}))
	go func() { _, _ = io.Copy(io.Discard, client) }()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, noise(1000), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	head, body := noise(100), noise(1000)
	for name, write := range map[string]func(){
		"parts": func() { _, _ = c.WriteParts(head, body) },
		"file":  func() { _, _ = c.SendFile(head, file, 0, 1000) },
	} {
		if n := testing.AllocsPerRun(1000, write); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
