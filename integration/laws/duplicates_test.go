package laws

import (
	"fmt"
	"hash/maphash"
	"strings"
	"testing"
)

// blockLines is how many equal lines in a row are a block that is written twice.
const blockLines = 12

// TestDuplicates finds blocks of code that stand in two places. Blank lines, comments, imports and lines of punctuation alone do
// not count, nor does the indentation.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	var files []source
	for _, name := range tracked(t, ".go", ".py") {
		if !isTest(name) {
			files = append(files, reduce(name, read(t, name)))
		}
	}
	for _, d := range duplicates(files) {
		t.Error(d)
	}
	// The law bites: a block of 12 lines in two files is one finding, however long it is.
	var text strings.Builder
	for i := range blockLines + 3 {
		fmt.Fprintf(&text, "value%d := compute(%d)\n", i, i)
	}
	if got := duplicates([]source{reduce("a.go", text.String()), reduce("b.go", "x := 1\n"+text.String())}); len(got) != 1 {
		t.Errorf("a made-up pair of files: %q", got)
	}
}

// source is a file without what does not count: each line with its number.
type source struct {
	name    string
	lines   []string
	numbers []int
}

func reduce(name, text string) source {
	s := source{name: name}
	imports := false
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case imports:
			imports = line != ")"
			continue
		case line == "import (":
			imports = true
			continue
		case strings.HasPrefix(line, "import "), strings.HasPrefix(line, "from "), strings.HasPrefix(line, "//"), strings.HasPrefix(line, "#"),
			len(strings.Trim(line, "(){}[],: \t")) == 0:
			continue
		}
		s.lines, s.numbers = append(s.lines, line), append(s.numbers, i+1)
	}
	return s
}

func duplicates(files []source) []string {
	type place struct{ file, line int }
	seed := maphash.MakeSeed()
	first := map[uint64]place{}
	var found []string
	for f, s := range files {
		skipTo := 0
		for i := 0; i+blockLines <= len(s.lines); i++ {
			key := maphash.String(seed, strings.Join(s.lines[i:i+blockLines], "\n"))
			before, again := first[key]
			if !again {
				first[key] = place{f, i}
				continue
			}
			if i < skipTo || before.file == f && i-before.line < blockLines { // inside a block that is named already; a run of equal lines
				continue
			}
			n := blockLines
			for other := files[before.file]; i+n < len(s.lines) && before.line+n < len(other.lines) && s.lines[i+n] == other.lines[before.line+n]; n++ {
			}
			skipTo = i + n
			found = append(found, fmt.Sprintf("%s:%d and %s:%d share %d lines", files[before.file].name, files[before.file].numbers[before.line], s.name, s.numbers[i], n))
		}
	}
	return found
}
