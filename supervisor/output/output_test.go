package output

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestGrouping(t *testing.T) {
	trace := "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    boom()\nValueError: no"
	group := "  + Exception Group Traceback (most recent call last):\n  |   File \"a.py\", line 1, in f\n  | ExceptionGroup: two (1 sub-exception)\n  +-+---------------- 1 ----------------\n    | ValueError: no\n    +------------------------------------\n"
	chained := trace + "\n\nDuring handling of the above exception, another exception occurred:\n\n" + trace
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"lines":                     {"a\nb\n", []string{"a", "b"}},
		"a line without end":        {"a\nb", []string{"a", "b"}},
		"CRLF":                      {"a\r\nb\r\n", []string{"a", "b"}},
		"empty lines":               {"\n\na\n\n", []string{"a"}},
		"a traceback is one":        {trace + "\nnext\n", []string{trace, "next"}},
		"with the line before it":   {"ERROR in app\n" + trace + "\nnext\n", []string{"ERROR in app\n" + trace, "next"}},
		"chained":                   {chained + "\nnext\n", []string{chained, "next"}},
		"loguru":                    {"a\nx | ERROR | y\nTraceback (most recent call last):\n\n> File \"a.py\", line 1, in f\n    boom()\n    └ 1\n\nValueError: no\nnext\n", []string{"a", "x | ERROR | y\nTraceback (most recent call last):\n\n> File \"a.py\", line 1, in f\n    boom()\n    └ 1\n\nValueError: no", "next"}},
		"rich":                      {"╭── Traceback (most recent call last) ──╮\n│ a.py:1 in f │\n╰────╯\nValueError: no\nnext\n", []string{"╭── Traceback (most recent call last) ──╮\n│ a.py:1 in f │\n╰────╯\nValueError: no", "next"}},
		"two groups":                {group + "next\n" + group, []string{strings.TrimSuffix(group, "\n"), "next\n" + strings.TrimSuffix(group, "\n")}},
		"indented lines go with it": {"a:\n  b\n\tc\nd\n", []string{"a:\n  b\n\tc", "d"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, step := range []int{1, 7, len(c.in)} { // however it arrives
				var got []string
				g := grouper{record: func(_, s string) { got = append(got, s) }}
				for in := c.in; in != ""; {
					n := min(step, len(in))
					g.write([]byte(in[:n]))
					in = in[n:]
				}
				g.flush()
				if strings.Join(got, "|") != strings.Join(c.want, "|") {
					t.Errorf("in steps of %d: %q", step, got)
				}
			}
		})
	}
}

func TestOutputIsBounded(t *testing.T) {
	var got []string
	g := grouper{record: func(_, s string) { got = append(got, s) }}
	g.write([]byte(strings.Repeat("x", 5*maxRecord/2) + "\n" + strings.Repeat(" indented\n", maxRecord/4)))
	g.flush()
	total := 0
	for _, s := range got {
		if len(s) > maxRecord {
			t.Errorf("a record of %d bytes", len(s))
		}
		total += strings.Count(s, "x")
	}
	if total != 5*maxRecord/2 {
		t.Errorf("%d bytes of the long line", total)
	}
}

// A prompt without a newline is shown after a moment, and one record is not held
// back until the next comes.
func TestOutputIsPrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		got := make(chan string, 10)
		done := make(chan struct{})
		go func() { Read(r, "", func() string { return "" }, func(_, _, s string) { got <- s }); close(done) }()
		_, _ = w.Write([]byte("Password: "))
		time.Sleep(100 * time.Millisecond)
		select {
		case s := <-got:
			if s != "Password: " {
				t.Errorf("%q", s)
			}
		default:
			t.Error("nothing after 100 ms")
		}
		w.Close()
		<-done
	})
}
