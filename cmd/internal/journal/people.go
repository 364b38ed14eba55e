package journal

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/standpipe/standpipe/cmd/internal/terminal"
	"github.com/standpipe/standpipe/supervisor"
)

// Advised is Sentence, and what to do, in one line.
func Advised(e *supervisor.BootFailure) string {
	s := Sentence(e)
	if e.Failed == nil || e.Failed.Fix == "" {
		return s
	}
	var steps []string
	for line := range strings.SplitSeq(e.Failed.Fix, "\n") {
		steps = append(steps, strings.TrimSpace(line))
	}
	return s + "; fix: " + strings.Join(steps, "; ")
}

// lastLines is how many lines of an app's output a person is shown when its worker has said nothing else.
const lastLines = 20

// People is why an app did not start, as text of several lines. The last lines say what to do; what Python wrote comes first, where
// it says more than the sentence.
func People(e *supervisor.BootFailure, p terminal.Paint) string {
	var b strings.Builder
	indented := func(text string) {
		for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
			b.WriteString("  | " + printable(cut(line)) + "\n")
		}
	}
	switch {
	case e.Failed != nil && e.Failed.Fix == "" && e.Failed.Traceback != "":
		indented(e.Failed.Traceback)
	case e.Failed == nil && strings.TrimSpace(e.Output) != "":
		lines := strings.Split(strings.TrimRight(e.Output, "\n"), "\n")
		indented(strings.Join(lines[max(0, len(lines)-lastLines):], "\n"))
	}
	head, why, _ := strings.Cut(Sentence(e), " did not start: ")
	b.WriteString(p.Red("standpipe:") + " " + p.Bold(head+" did not start") + "\n  " + printable(why) + "\n")
	if e.Failed != nil && e.Failed.Fix != "" {
		label := "  " + p.Green("fix") + "  "
		for line := range strings.SplitSeq(e.Failed.Fix, "\n") {
			b.WriteString(label + printable(line) + "\n")
			label = "       "
		}
	}
	return b.String()
}

// lineOfPeople bounds a line, in bytes: an exception's text may hold a whole document.
const lineOfPeople = 2 << 10

func cut(line string) string {
	if len(line) <= lineOfPeople {
		return line
	}
	n := lineOfPeople
	for n > 0 && !utf8.RuneStart(line[n]) {
		n--
	}
	return line[:n] + " ..."
}

// printable has no control characters: an app's text may hold any.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
