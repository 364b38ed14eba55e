// The command gen writes docs/logs.md; run it in the repository's root.
package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/standpipe/standpipe/cmd/internal/events"
)

func main() {
	var b bytes.Buffer
	err := events.WritePage(&b)
	if err == nil {
		err = os.WriteFile("docs/logs.md", b.Bytes(), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}
