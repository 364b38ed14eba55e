package output

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const testTag = "0123456789abcdef"

func tagged(id string) string { return "\x1e" + testTag + ":" + id + "\x1e" }

// split returns the records of in, as "id|text", when it comes in steps.
func split(in string, step int, sole string) []string {
	var got []string
	s := newSplitter(testTag, func(id, _, text string) { got = append(got, id+"|"+text) })
	now := time.Now()
	for in != "" {
		n := min(step, len(in))
		s.write([]byte(in[:n]), sole, now)
		in = in[n:]
	}
	s.finish()
	return got
}

// The level that a tag says is the record's; lines of two levels are not one record, and keep their order.
func TestLevelsOfTags(t *testing.T) {
	in := "\x1e" + testTag + ":a!E\x1ebad:\n" + tagged("a") + "  printed\n" + "\x1e" + testTag + ":!W\x1enobody's\n" +
		"\x1e" + testTag + ":a!X\x1eno level\n" + "\x1e" + testTag + ":a!Ex\n" + "\x1e" + testTag + ":a!D\x1elast\n" + "raw\n"
	for _, step := range []int{1, 7, len(in)} {
		var got []string
		s := newSplitter(testTag, func(id, level, text string) { got = append(got, id+"|"+level+"|"+text) })
		for rest := in; rest != ""; {
			n := min(step, len(rest))
			s.write([]byte(rest[:n]), "", time.Now())
			rest = rest[n:]
		}
		s.finish()
		want := []string{"a|error|bad:", "a||  printed", "|warn|nobody's", "||\x1e" + testTag + ":a!X\x1eno level", "||\x1e" + testTag + ":a!Ex", "a|debug|last", "||raw"}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("in steps of %d: %q, want %q", step, got, want)
		}
	}
}

// Lines that a handler of logging wrote at once are one record, and those that it wrote next another one.
func TestLinesThatGoOn(t *testing.T) {
	line := func(id, level, text string) string {
		return "\x1e" + testTag + ":" + id + "!" + level + "\x1e" + text + "\n"
	}
	in := line("a", "E", "ValueError: no") + line("a", "e", "[SQL: SELECT 1]") + line("b", "I", "x") + line("a", "e", "(Background: y)") + line("a", "E", "next") + line("", "w", "alone") + line("", "w", "and on")
	for step := 1; step <= len(in); step += 13 {
		var got []string
		s := newSplitter(testTag, func(id, level, text string) { got = append(got, id+"|"+level+"|"+text) })
		for rest := in; rest != ""; {
			n := min(step, len(rest))
			s.write([]byte(rest[:n]), "", time.Now())
			rest = rest[n:]
		}
		s.finish()
		slices.Sort(got)
		if want := []string{"a|error|ValueError: no\n[SQL: SELECT 1]\n(Background: y)", "a|error|next", "b|info|x", "|warn|alone\nand on"}; !slices.Equal(got, want) {
			t.Errorf("in steps of %d: %q", step, got)
		}
	}
}

func TestSplitting(t *testing.T) {
	a, b, none := tagged("a"), tagged("b.-_9"), tagged("")
	trace := []string{"Traceback (most recent call last):\n", "  File \"a.py\", line 1, in f\n", "ValueError: no\n"}
	whole := strings.TrimSuffix(strings.Join(trace, ""), "\n")
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"raw":                          {"x\ny\n", []string{"|x", "|y"}},
		"tagged and raw":               {a + "x\ny\n", []string{"a|x", "|y"}},
		"not one record":               {a + "x:\n  y\n" + a + "  z\n", []string{"a|x:\n  z", "|  y"}},
		"two requests":                 {a + "x:\n" + b + "  y\n", []string{"a|x:", "b.-_9|  y"}},
		"parts of a line":              {a + "one " + none + "raw\n" + b + "other\n" + a + "line\n", []string{"|raw", "a|one line", "b.-_9|other"}},
		"a traceback among others":     {a + trace[0] + b + "x\n" + a + trace[1] + "raw\n" + a + trace[2], []string{"b.-_9|x", "|raw", "a|" + whole}},
		"a tag in a raw line":          {"raw " + a + "x\nline\n", []string{"a|x", "|raw line"}},
		"another secret":               {"\x1e" + strings.Repeat("0", 16) + ":a\x1ex\n", []string{"|\x1e" + strings.Repeat("0", 16) + ":a\x1ex"}},
		"no id":                        {"\x1e" + testTag + ":a b\x1ex\n", []string{"|\x1e" + testTag + ":a b\x1ex"}},
		"an id that is too long":       {tagged(strings.Repeat("i", 129)) + "x\n", []string{"|" + tagged(strings.Repeat("i", 129)) + "x"}},
		"the longest id":               {tagged(strings.Repeat("i", 128)) + "x\n", []string{strings.Repeat("i", 128) + "|x"}},
		"one that pretends in a text":  {a + "client: \x1e0:b\x1e\n", []string{"a|client: \x1e0:b\x1e"}},
		"cut short at the end":         {a + "x\n\x1e" + testTag + ":", []string{"a|x"}},
		"no tag at the end":            {a + "x \x1e", []string{"a|x \x1e"}},
		"a newline where an id should": {"\x1e" + testTag + ":a\nx\n", []string{"|\x1e" + testTag + ":a", "|x"}},
		"a tag after a tag's start":    {"\x1e" + a + "x\n", []string{"a|x", "|\x1e"}},
	} {
		t.Run(name, func(t *testing.T) {
			slices.Sort(c.want)
			for _, step := range []int{1, 5, 20, len(c.in)} {
				got := split(c.in, step, "")
				slices.Sort(got) // the order across requests is not promised
				if !slices.Equal(got, c.want) {
					t.Errorf("in steps of %d: %q, want %q", step, got, c.want)
				}
			}
		})
	}
}

// The lines of one request stay in their order, and the groups are bounded: the
// one that is longest quiet goes first.
func TestGroupsAreBounded(t *testing.T) {
	var got []string
	s := newSplitter(testTag, func(id, _, text string) { got = append(got, id+"|"+text) })
	for i := range 1000 {
		s.write([]byte(tagged(fmt.Sprint("r", i))+"x:\n"), "", time.Now())
		if len(s.groups) > maxGroups {
			t.Fatalf("%d groups", len(s.groups))
		}
	}
	if len(got) != 1000-maxGroups || got[0] != "r0|x:" {
		t.Errorf("%d, %q", len(got), got[:1])
	}
	s.finish()
	for i, g := range got {
		if g != fmt.Sprintf("r%d|x:", i) {
			t.Fatalf("%d: %s", i, g)
		}
	}
}

// Raw output has the id of the request that it belongs to; what two may have
// written has none.
func TestRawOutputOfOne(t *testing.T) {
	var got []string
	s := newSplitter(testTag, func(id, _, text string) { got = append(got, id+"|"+text) })
	for _, c := range [][2]string{{"one\n", "a"}, {"  two\n", "a"}, {"  three\n", ""}, {"fo", "a"}, {"ur\nfive\n", "b"}, {"six\n", ""}} {
		s.write([]byte(c[0]), c[1], time.Now())
	}
	s.finish()
	want := []string{"a|one\n  two", "|  three", "|four", "b|five", "|six"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A request's line is shown soon, also while another never stops printing.
func TestPromptAmongOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		start := time.Now()
		shown := make(map[string]time.Duration)
		done := make(chan struct{})
		go func() {
			defer close(done)
			Read(r, testTag, func() string { return "" }, func(id, _, text string) { shown[id+"|"+text] = time.Since(start) })
		}()
		_, _ = io.WriteString(w, tagged("a")+"mine\n\x1e012")
		for range 100 {
			time.Sleep(10 * time.Millisecond)
			_, _ = io.WriteString(w, tagged("b")+"noise\n")
		}
		w.Close()
		<-done
		if at, ok := shown["a|mine"]; !ok || at > 100*time.Millisecond {
			t.Errorf("%v, %v", at, shown)
		}
	})
}

// FuzzSplitter: whatever comes, in whatever pieces, the records are the same, are
// bounded, and lose no text.
func FuzzSplitter(f *testing.F) {
	f.Add("raw\n"+tagged("a")+"x\n"+tagged("b")+"  y\n", 3)
	f.Add(tagged("a")+"part"+tagged("")+"raw\n"+tagged("a")+"ial\n\x1e"+testTag, 1)
	f.Add(strings.Repeat("\x1e"+testTag+":", 3)+"\x1e\n", 7)
	f.Fuzz(func(t *testing.T, in string, step int) {
		in = strings.ReplaceAll(in, "T", "\x1e"+testTag+":") // so that the fuzzer meets tags
		step = max(step&0xff, 1)
		var got, again []string
		var bytes int
		collect := func(list *[]string) *splitter {
			return newSplitter(testTag, func(id, _, text string) {
				if len(text) > maxRecord || text == "" || len(id) > maxID || strings.ContainsAny(id, "\x1e\n ") {
					t.Fatalf("id %q, %d bytes", id, len(text))
				}
				*list = append(*list, id+"|"+text)
				bytes += len(text) - strings.Count(text, "\n")
			})
		}
		s := collect(&got)
		now := time.Now()
		s.write([]byte(in), "", now)
		s.finish()
		whole := bytes
		s = collect(&again)
		for rest := in; rest != ""; {
			n := min(step, len(rest))
			s.write([]byte(rest[:n]), "", now)
			rest = rest[n:]
		}
		s.finish()
		if !slices.Equal(got, again) {
			t.Fatalf("at once %q\nin steps of %d %q", got, step, again)
		}
		if !strings.ContainsAny(in, "\x1e\r") && whole != len(in)-strings.Count(in, "\n") {
			t.Fatalf("%d bytes of %q", whole, in)
		}
	})
}
