package manual

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/standpipe/standpipe/cmd/internal/terminal"
)

var (
	image = regexp.MustCompile(`!\[([^\]]*)\]\([^)]*\)`)
	link  = regexp.MustCompile(`\[([^\]]+)\]\(([^)\s]+)\)`)
	bold  = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	bare  = regexp.MustCompile(`<(https?://[^>]+)>`)
)

// marks stand for the beginning and the end of what is painted: they have no width and no blank, so lines are broken without them.
const (
	boldOn, codeOn, off = '\ue000', '\ue001', '\ue002'
)

// inline takes the marks of Markdown out of a text; plain: those around code stay. A link to a page becomes its text and, unless that says it, the topic.
func inline(text string, plain bool) string {
	// Code is put aside first: its brackets and stars are no marks.
	parts := strings.Split(text, "`")
	var b strings.Builder
	for i, part := range parts {
		if i%2 == 1 {
			part = string(codeAt + rune(min(i/2, codeMost)))
		}
		b.WriteString(part)
	}
	out := image.ReplaceAllString(b.String(), "$1")
	out = bare.ReplaceAllString(out, "$1")
	out = link.ReplaceAllStringFunc(out, func(s string) string {
		m := link.FindStringSubmatch(s)
		if strings.HasPrefix(m[2], "http") && m[1] != m[2] {
			return m[1] + " (" + m[2] + ")"
		}
		if also := seeAlso(m[2]); also != "" && strings.HasSuffix(m[1], ".md") {
			return also
		} else if also != "" {
			return m[1] + " (" + also + ")"
		}
		return m[1]
	})
	out = bold.ReplaceAllString(out, string(boldOn)+"$1"+string(off))
	b.Reset()
	for _, r := range out {
		i := 2*int(r-codeAt) + 1
		if r < codeAt || r > codeAt+codeMost || i >= len(parts) {
			b.WriteRune(r)
			continue
		}
		code := strings.ReplaceAll(parts[i], " ", "\u00a0")
		if plain { // the marks are all that shows where code begins and ends
			b.WriteString("`" + code + "`")
		} else {
			b.WriteString(string(codeOn) + code + string(off))
		}
	}
	return b.String()
}

// codeAt stands for the first piece of code of a text, the next rune for the second.
const (
	codeAt   = '\ue100'
	codeMost = 0x400
)

// seeAlso is how to read the page that a link leads to; empty: the program does not have it.
func seeAlso(target string) string {
	file, _, _ := strings.Cut(target, "#")
	i := slices.IndexFunc(Topics, func(t Topic) bool { return t.file == file && t.Name+".md" == file })
	if i < 0 {
		return ""
	}
	return "standpipe\u00a0help\u00a0" + Topics[i].Name
}

// painted puts colours in the place of marks.
func painted(text string, p terminal.Paint) string {
	on := [2]string{"\x1b[1m", "\x1b[36m"}
	reset := "\x1b[0m"
	if !p.On {
		on, reset = [2]string{}, ""
	}
	return strings.NewReplacer(string(boldOn), on[0], string(codeOn), on[1], string(off), reset, "\u00a0", " ").Replace(text)
}

// width is how many columns a text takes, without marks.
func width(text string) int {
	n := utf8.RuneCountInString(text)
	for _, r := range text {
		if r >= boldOn && r <= off {
			n--
		}
	}
	return n
}

// broken breaks a text at blanks into lines of at most wide columns; a longer word has a line of its own. What is painted over a
// break is painted in both lines.
func broken(text string, wide int) (lines []string) {
	line, col := "", 0
	open := ""
	for word := range strings.FieldsSeq(text) {
		n := width(word)
		if col > 0 && col+1+n > wide {
			if open != "" {
				line += string(off)
			}
			lines = append(lines, line)
			line, col = open, 0
		}
		if col > 0 {
			line += " "
			col++
		}
		line += word
		col += n
		for _, r := range word {
			switch r {
			case boldOn, codeOn:
				open = string(r)
			case off:
				open = ""
			}
		}
	}
	if col > 0 {
		lines = append(lines, line)
	}
	return lines
}
