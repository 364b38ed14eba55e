// The command gen writes docs/settings.md; run it in the repository's root.
package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/standpipe/standpipe/cmd/internal/config"
)

func main() {
	var b bytes.Buffer
	err := config.WriteDocs(&b)
	if err == nil {
		err = os.WriteFile("docs/settings.md", b.Bytes(), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}
