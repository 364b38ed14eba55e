package manual

import (
	"regexp"
	"strings"

	"github.com/standpipe/standpipe/cmd/internal/terminal"
)

// block is what the lines of a page belong to.
type block int

const (
	none block = iota
	paragraph
	item
	grid
	quote
)

var (
	heading = regexp.MustCompile(`^(#{1,6}) +(.+)$`)
	bullet  = regexp.MustCompile(`^( *)([-*]|\d+\.) +(.*)$`)
)

// Text renders a page for a terminal of this width.
func Text(page string, wide int, p terminal.Paint) string {
	r := renderer{wide: wide, plain: !p.On}
	lines := strings.Split(page, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(trimmed, "```"):
			r.flush()
			indent := len(line) - len(strings.TrimLeft(line, " "))
			for i++; i < len(lines) && strings.TrimSpace(lines[i]) != "```"; i++ {
				r.add("    " + cutIndent(lines[i], indent))
			}
			r.gap()
		case strings.HasPrefix(trimmed, "<!--"):
			r.flush()
			for ; i < len(lines) && !strings.Contains(lines[i], "-->"); i++ {
			}
		case trimmed == "":
			r.flush()
		default:
			r.line(line, trimmed)
		}
	}
	r.flush()
	return painted(strings.Join(r.out, "\n"), p)
}

func cutIndent(line string, n int) string {
	for ; n > 0 && strings.HasPrefix(line, " "); n-- {
		line = line[1:]
	}
	return line
}

// renderer collects the lines of a block until the block ends.
type renderer struct {
	wide  int
	plain bool // without colours
	out   []string
	now   block
	lines []string
	lead  string // of a list's item: its bullet
}

// line takes a line with text.
func (r *renderer) line(line, trimmed string) {
	if m := heading.FindStringSubmatch(line); m != nil {
		r.flush()
		if len(r.out) > 0 {
			r.gap()
		}
		text := string(boldOn) + strings.NewReplacer(string(codeOn), "", string(off), "").Replace(inline(m[2], false)) + string(off)
		r.add(text)
		if len(m[1]) == 1 {
			r.add(strings.Repeat("=", width(text)))
		}
		r.gap()
		return
	}
	if m := bullet.FindStringSubmatch(line); m != nil && (r.now != paragraph || m[2] == "-") {
		r.end()
		r.now, r.lead, r.lines = item, m[1]+m[2]+" ", []string{m[3]}
		return
	}
	kind := paragraph
	switch {
	case strings.HasPrefix(trimmed, "|"):
		kind = grid
	case strings.HasPrefix(trimmed, ">"):
		kind, trimmed = quote, strings.TrimSpace(trimmed[1:])
	case r.now == item: // it goes on
		kind = item
	}
	if kind != r.now {
		r.end()
		r.now = kind
	}
	r.lines = append(r.lines, trimmed)
}

// end writes the block.
func (r *renderer) end() {
	lines, first := r.lines, ""
	switch r.now {
	case none:
	case grid:
		for _, line := range table(lines, r.wide, r.plain) {
			r.add(line)
		}
	case item:
		first = r.lead
		fallthrough
	default:
		if r.now == quote {
			first = "  "
		}
		rest := strings.Repeat(" ", len(first))
		for i, line := range broken(inline(strings.Join(lines, " "), r.plain), r.wide-len(first)) {
			if i == 0 {
				r.add(first + line)
			} else {
				r.add(rest + line)
			}
		}
	}
	r.now, r.lines, r.lead = none, nil, ""
}

// flush ends the block and leaves a blank line.
func (r *renderer) flush() {
	if r.now != none {
		r.end()
		r.gap()
	}
}

func (r *renderer) add(line string) { r.out = append(r.out, line) }

// gap is one blank line, never two.
func (r *renderer) gap() {
	if n := len(r.out); n > 0 && r.out[n-1] != "" {
		r.out = append(r.out, "")
	}
}
