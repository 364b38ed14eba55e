package config

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with the configuration: a sentence that says what to do.
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

// Problems are all that is wrong, in the order of the layers. Load returns it as its error; it is never empty then.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

func (p *Problems) add(src Source, format string, args ...any) {
	p.at(src.place(), format, args...)
}

func (p *Problems) at(where, format string, args ...any) {
	*p = append(*p, Problem{where, fmt.Sprintf(format, args...)})
}

// once is the list without repetitions: a value for all apps is read for each of them.
func (p Problems) once() Problems {
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
