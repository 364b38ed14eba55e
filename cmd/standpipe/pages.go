package main

import (
	_ "embed"
	"fmt"
	"io"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/exit"
)

//go:embed commands_head.md
var commandsHead string

//go:embed commands_tail.md
var commandsTail string

// writePage writes docs/commands.md.
func writePage(w io.Writer) error {
	if err := newApp(nil, nil).WritePage(w, commandsHead); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(commandsTail)
	for _, m := range exit.Codes {
		fmt.Fprintf(&b, "- `%d`: %s. %s\n", m.Code, strings.TrimSuffix(m.Means, "."), m.Do)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
