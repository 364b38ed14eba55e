package export

import (
	"fmt"
	"strings"
)

// page is a file while it is written, from its first line to its last.
type page struct{ b strings.Builder }

// line adds one line.
func (p *page) line(format string, args ...any) {
	fmt.Fprintf(&p.b, format, args...)
	p.b.WriteByte('\n')
}

// text adds lines as they stand in a raw literal: what follows its first line break, and ends with one.
func (p *page) text(raw string) { p.b.WriteString(strings.TrimPrefix(raw, "\n")) }

// textf is text with values in it; a percent sign is two. `go vet` checks the values, as it does for line.
func (p *page) textf(raw string, args ...any) { p.text(fmt.Sprintf(raw, args...)) }
