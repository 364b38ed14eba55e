package output

import (
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// What Python, faulthandler, loguru and rich print for one failure, in the pieces in which they write it.
var failures = map[string][]string{
	"a traceback":           {"Traceback (most recent call last):\n", "  File \"a.py\", line 1, in f\n", "    boom()\n", "ValueError: no\n"},
	"one of a syntax error": {"Traceback (most recent call last):\n", "  File \"a.py\", line 1\n", "    foo bar\n", "        ^^^\n", "SyntaxError: invalid syntax\n"},
	"a chain": {
		"Traceback (most recent call last):\n", "  File \"a.py\", line 1, in f\n", "ValueError: no\n", "\nDuring handling of the above exception, another exception occurred:\n\n",
		"Traceback (most recent call last):\n", "  File \"a.py\", line 2, in g\n", "KeyError: 'k'\n",
	},
	"a cause": {
		"Traceback (most recent call last):\n", "  File \"a.py\", line 1, in f\n", "ValueError: no\n", "\n", "The above exception was the direct cause of the following exception:\n", "\n",
		"Traceback (most recent call last):\n", "  File \"a.py\", line 2, in g\n", "KeyError: 'k'\n",
	},
	"a group": {
		"  + Exception Group Traceback (most recent call last):\n", "  |   File \"a.py\", line 1, in f\n", "  | ExceptionGroup: two (2 sub-exceptions)\n", "  +-+---------------- 1 ----------------\n",
		"    | ValueError: 1\n", "    +---------------- 2 ----------------\n", "    | ExceptionGroup: three (1 sub-exception)\n", "    +-+---------------- 1 ----------------\n",
		"      | TypeError: 2\n", "      +------------------------------------\n",
	},
	"a thread":              {"Exception in thread ", "Thread-1 (f)", ":\n", "Traceback (most recent call last):\n", "  File \"a.py\", line 1, in f\n", "    ", "boom()", "\n", "ValueError", ": ", "no", "\n"},
	"an ignored one":        {"Exception ignored in: <function U.__del__ at 0x1>\n", "Traceback (most recent call last):\n", "  File \"a.py\", line 1, in __del__\n", "ValueError: no\n"},
	"an ignored one, newer": {"Exception ignored while calling deallocator <function U.__del__ at 0x1>:\n", "Traceback (most recent call last):\n", "  File \"a.py\", line 1, in __del__\n", "ValueError: no\n"},
	"a handler of logging":  {"--- Logging error ---\n", "Traceback (most recent call last):\n", "  File \"a.py\", line 1, in __str__\n", "ValueError: no\n"},
	"an exit handler":       {"Error in atexit._run_exitfuncs:\n", "Traceback (most recent call last):\n", "  File \"a.py\", line 1, in f\n", "ValueError: no\n"},
	"a crash": {
		"Fatal Python error: ", "Segmentation fault", "\n\n", "Thread 0x2 (most recent call first):\n", "  File \"b.py\", line 1 in wait\n", "\n",
		"Current thread 0x1 (most recent call first):\n", "  File ", "\"a.py\"", ", line 2 in view", "\n",
	},
	"a crash with an exception": {
		"Fatal Python error: init_import_site: Failed to import the site module\n", "Python runtime state: initialized\n",
		"Traceback (most recent call last):\n", "  File \"a.py\", line 1, in f\n", "ValueError: no\n",
	},
	"stacks": {"Current thread 0x1 (most recent call first):\n", "  File \"a.py\", line 2 in view\n"},
	"loguru": {"Traceback (most recent call last):\n", "\n", "> File \"a.py\", line 1, in f\n", "    boom()\n", "    └ 1\n", "\n", "ValueError: no\n"},
	"rich":   {"╭── Traceback (most recent call last) ──╮\n", "│ a.py:1 in f │\n", "╰────╯\n", "ValueError: no\n"},
}

// printed is a record of output and the time at which it came.
type printed struct {
	id, text string
	at       time.Duration
}

// readSlowly writes pieces, with a gap after each of them, and returns the records after a quiet time, before the pipe ends. A piece may begin with the
// request that is the only one from then on, "<id>".
func readSlowly(t *testing.T, gap, quiet time.Duration, pieces ...string) []printed {
	t.Helper()
	r, w := io.Pipe()
	start := time.Now()
	var got []printed
	var sole atomic.Value
	sole.Store("")
	done := make(chan struct{})
	go func() {
		defer close(done)
		Read(r, testTag, func() string { return sole.Load().(string) }, func(id, _, text string) { got = append(got, printed{id, text, time.Since(start)}) })
	}()
	for _, p := range pieces {
		if strings.HasPrefix(p, "<") {
			id, rest, _ := strings.Cut(p[1:], ">")
			sole.Store(id)
			p = rest
		}
		_, _ = io.WriteString(w, p)
		time.Sleep(gap)
	}
	time.Sleep(quiet)
	synctest.Wait()
	list := slices.Clone(got)
	w.Close()
	<-done
	return list
}

// A traceback is one record, however slowly its lines come, with a tag and without.
func TestSlowTracebacks(t *testing.T) {
	for name, pieces := range failures {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				want := strings.TrimSuffix(strings.Join(pieces, ""), "\n")
				if got := readSlowly(t, 200*time.Millisecond, time.Second, pieces...); len(got) != 1 || got[0].text != want {
					t.Errorf("raw: %v", got)
				}
				lines := slices.Collect(strings.Lines(strings.Join(pieces, "")))
				for i := range lines {
					lines[i] = tagged("a") + lines[i]
				}
				if got := readSlowly(t, 200*time.Millisecond, time.Second, lines...); len(got) != 1 || got[0].text != want || got[0].id != "a" {
					t.Errorf("with a tag: %v", got)
				}
			})
		})
	}
}

// What is complete does not wait as long as what is not: a traceback without its end comes after a second, and nothing is held back for ever.
func TestWaitsOfRecords(t *testing.T) {
	begin := "Traceback (most recent call last):\n"
	for _, c := range []struct {
		in    string
		until time.Duration
	}{
		{"a line\n", pause},
		{"Password: ", pause},
		{"a:\n  b\n", pause},
		{begin + "  File \"a.py\", line 1, in f\nValueError: no\n", chainPause},
		{"Current thread 0x1 (most recent call first):\n  File \"a.py\", line 2 in view\n", chainPause},
		{begin, unfinishedPause},
		{begin + "  File \"a.py\", line 1, in f\n", unfinishedPause},
		{"Exception in thread Thread-1:\n", unfinishedPause},
		{"Fatal Python error: Aborted\n", unfinishedPause},
		{"  + Exception Group Traceback (most recent call last):\n  | ExceptionGroup: no\n", unfinishedPause},
	} {
		synctest.Test(t, func(t *testing.T) {
			got := readSlowly(t, 0, 2*time.Second, c.in)
			if len(got) != 1 || got[0].text != strings.TrimSuffix(c.in, "\n") || got[0].at != c.until {
				t.Errorf("%q: %v, want it after %v", c.in, got, c.until)
			}
		})
	}
}

// A traceback does not keep back the lines of others, nor what is printed behind it.
func TestUnfinishedAmongOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := readSlowly(t, 0, 100*time.Millisecond, tagged("a")+"Traceback (most recent call last):\n", tagged("b")+"a line\n", "raw\n")
		if len(got) != 2 || got[0].id != "b" || got[1].text != "raw" || got[1].at != pause {
			t.Errorf("%v", got)
		}
		got = readSlowly(t, 0, 0, "Traceback (most recent call last):\n", "  File \"a.py\", line 1, in f\n", "ValueError: no\n", "next\n")
		if len(got) != 1 || got[0].at != 0 || !strings.HasSuffix(got[0].text, "ValueError: no") {
			t.Errorf("%v", got)
		}
	})
}

// Requests begin and end while a thread without a tag prints its traceback: it stays one record, and has the id of a request only if no other one may
// have printed a part of it.
func TestRequestOfATraceback(t *testing.T) {
	begin, frame, end := "Traceback (most recent call last):\n", "  File \"a.py\", line 1, in f\n", "ValueError: no\n"
	whole := strings.TrimSuffix(begin+frame+end, "\n")
	chain := "\nDuring handling of the above exception, another exception occurred:\n\n"
	for name, c := range map[string]struct {
		pieces []string
		want   []string
	}{
		"a request begins":           {[]string{begin, "<a>" + frame, end}, []string{"|" + whole}},
		"a request ends":             {[]string{"<a>" + begin, frame, "<>" + end}, []string{"a|" + whole}},
		"another request":            {[]string{"<a>" + begin, "<b>" + frame, end}, []string{"|" + whole}},
		"another one, then the next": {[]string{"<a>" + begin, "<b>" + frame, end, "next\n"}, []string{"|" + whole, "b|next"}},
		"the traceback of another":   {[]string{"<a>" + begin, frame, end, "<b>" + begin, frame, end}, []string{"a|" + whole, "b|" + whole}},
		"in a chain":                 {[]string{begin, frame, end, "<a>" + chain, begin, frame, end}, []string{"|" + whole + "\n" + chain + whole}},
		"lines of two requests":      {[]string{"<a>one:\n", "<b>  two\n"}, []string{"a|one:", "b|  two"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				for _, p := range readSlowly(t, time.Millisecond, time.Second, c.pieces...) {
					got = append(got, p.id+"|"+p.text)
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("%q, want %q", got, c.want)
				}
			})
		})
	}
}
