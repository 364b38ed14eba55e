package schema

import (
	"fmt"
	"strings"
)

// Problem is one mistake in the configuration: a sentence that says what to do.
type Problem struct {
	Where   string // "standpipe.toml:12", "--workers", "STANDPIPE_WORKERS"; empty: nowhere in particular
	Message string
}

func (p Problem) String() string {
	if p.Where == "" {
		return p.Message
	}
	return p.Where + ": " + p.Message
}

// Problems are all mistakes of a configuration, as one error.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

// Add adds a problem with a value, at the value's source.
func (p *Problems) Add(src Source, format string, args ...any) {
	p.At(src.Position(), format, args...)
}

// At adds a problem.
func (p *Problems) At(where, format string, args ...any) {
	*p = append(*p, Problem{where, fmt.Sprintf(format, args...)})
}

// Once returns the list without repetitions: a value for all rows is read once for each of them.
func (p Problems) Once() Problems {
	seen := make(map[Problem]bool, len(p))
	out := p[:0:0]
	for _, one := range p {
		if !seen[one] {
			out = append(out, one)
		}
		seen[one] = true
	}
	return out
}
