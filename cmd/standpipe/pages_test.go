package main

import (
	"bytes"
	"os"
	"testing"
)

func TestDocsCommandsAreFresh(t *testing.T) {
	var want bytes.Buffer
	if err := writePage(&want); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("../../docs/commands.md"); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%v; write: go run ./cmd/standpipe __page >docs/commands.md", err)
	}
}
