package errorlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/go-hclog"
)

// written returns what one record looks like at a fixed time.
func written(o Options, level hclog.Level, event string, pairs ...any) string {
	var b bytes.Buffer
	o.Out = &b
	l := New(o)
	l.now = func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 7e6, time.UTC) }
	l.Log(level, event, pairs...)
	return b.String()
}

func general(event string) string { return "the sentence of " + event }

func TestJSON(t *testing.T) {
	got := written(Options{}, hclog.Warn, "queue_full", "app", "shop", "message", "a \"sentence\"", "oldest", 9800*time.Millisecond,
		"rss", Bytes(412<<20), "refused", 3, "error", errors.New("x\ny"), "level", "mine", "bad key\n", true, "app", "other")
	want := `{"time":"2026-03-01T12:00:00.007Z","level":"warn","event":"queue_full","message":"a \"sentence\"","app":"other","oldest":9.8,` +
		`"rss":432013312,"refused":3,"error":"x\ny","level_":"mine","bad_key_":true}` + "\n"
	if got != want {
		t.Errorf("%s\n%s", got, want)
	}
	if got := written(Options{Sentence: general}, hclog.Info, "x"); !strings.Contains(got, `"message":"the sentence of x"`) {
		t.Error(got)
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct {
		o     Options
		level hclog.Level
		event string
		pairs []any
		want  string
	}{
		{Options{}, hclog.Warn, "queue_full", []any{"app", "shop", "oldest", 9800 * time.Millisecond, "busy", "1/4: x", "rss", Bytes(412 << 20)}, "[WARN]  queue_full: app=shop oldest=9.8s busy=\"1/4: x\" rss=412MiB: the sentence of queue_full\n"},
		{Options{}, hclog.Info, "logs_reopened", nil, "[INFO]  logs_reopened:\n"},
		{Options{}, hclog.Error, "app_error", []any{"id", "1", "traceback", "a\n  b", "message", "why"}, "[ERROR] app_error: id=1: why\n  traceback=\n  | a\n  |   b\n"},
		{Options{}, hclog.Info, Output, []any{"app", "shop", "worker", "shop/3", "id", "01J9", "message", "a \"line\"\n\x1b[31mred\x1b[0m \x1b]0;title\a\xff"}, "[INFO]  shop/3 id=01J9: a \"line\"\n  | \x1b[31mred\x1b[0m \\x1b]0;title\\x07\\xff\n"},
		{Options{Priorities: true}, hclog.Error, "e", []any{"message", "a\nb"}, "<3>2026-03-01T12:00:00.007Z [ERROR] e: a\n<3>  | b\n"},
		{Options{Terminal: true}, hclog.Warn, "e", []any{"message", "m"}, "12:00:00 [WARN]  e: m\n"},
		{Options{Terminal: true}, hclog.Error, "app_error", []any{"app", "shop", "id", "1", "target", "/", "worker", "shop/1", "error", "a.py:1: E: x", "at", "a.py:1 in f", "none", "", "traceback", "a\n  b"},
			"12:00:00 [ERROR] app_error: id=1 target=/ worker=shop/1: a.py:1: E: x\n  | a\n  |   b\n"},
		{Options{Terminal: true}, hclog.Error, "app_error", []any{"id", "1", "error", "E: x", "traceback", "E: x"}, "12:00:00 [ERROR] app_error: id=1: E: x\n"},
		{Options{Terminal: true}, hclog.Error, "app_error", []any{"id", "1", "error", "a.py:1: DebuggerQuit: q", "traceback", "a\nb"}, "12:00:00 [ERROR] app_error: id=1: a.py:1: DebuggerQuit: q\n"},
		{Options{Terminal: true}, hclog.Error, "e", []any{"traceback", "a\nb\n"}, "12:00:00 [ERROR] e: the sentence of e\n  | a\n  | b\n"},
		{Options{Color: true}, hclog.Warn, "e", []any{"message", "m"}, "\x1b[93m[WARN]  \x1b[0me: m\n"},
		{Options{Color: true, Terminal: true}, hclog.Warn, "e", []any{"message", "m"}, "\x1b[2m12:00:00 \x1b[0m\x1b[93m[WARN]  \x1b[0me: m\n"},
	} {
		c.o.Text, c.o.Sentence = true, general
		got := strings.Replace(written(c.o, c.level, c.event, c.pairs...), "2026-03-01T12:00:00.007Z ", "", 1)
		if want := strings.Replace(c.want, "2026-03-01T12:00:00.007Z ", "", 1); got != want {
			t.Errorf("%q\n%q", got, want)
		}
	}
}

// A text for people has its bound where characters stay as they are too, one count of what is missing, and no open colour.
func TestTextIsCut(t *testing.T) {
	for text, want := range map[string]string{
		strings.Repeat(`"`, 5000):                          strings.Repeat(`"`, 2048) + "...+2952",
		strings.Repeat(`a"`, 5000):                         `"...+79`,
		"\x1b[31m" + strings.Repeat("a\tb", 3000):          "\x1b[0m",
		strings.Repeat("\x1b[31m", 3000):                   "...+12955\x1b[0m",
		"\x1b[31m" + strings.Repeat("a", 2000) + "\x1b[0m": "aaa\x1b[0m",
	} {
		got := strings.TrimSuffix(written(Options{Text: true}, hclog.Error, "e", "message", text), "\n")
		if !strings.HasSuffix(got, want) && !strings.Contains(got, want) || len(got) > 2200 || strings.Count(got, "...+") > 1 {
			t.Errorf("%d bytes, %q, want %q", len(got), got[len(got)-40:], want)
		}
	}
}

func TestLevels(t *testing.T) {
	var b bytes.Buffer
	l := New(Options{Out: &b, Level: hclog.Warn})
	with := l.With("app", "shop")
	with.Info("no")
	l.SetLevel(hclog.Debug)
	with.Debug("yes")
	l.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}).Print("a line")
	got := strings.Split(b.String(), "\n")
	if len(got) != 3 || !strings.Contains(got[0], `"event":"yes","message":"","app":"shop"`) || !strings.Contains(got[1], `"level":"debug","event":"http","message":"","error":"a line"`) {
		t.Errorf("%q", got)
	}
}

// Every record is one line of JSON, and no line of text looks like another record; both
// have a bound.
func FuzzRecord(f *testing.F) {
	f.Add("event", "key", "value\n2026-03-01T12:00:00.007Z [ERROR] forged: x", 1)
	f.Add("output", "traceback", "\xff\x1b[2J\u202e", 70000)
	f.Add("event", "key", "\"", 100_000)
	f.Add("event", "key", "\x1b[1m", 16_000)
	f.Fuzz(func(t *testing.T, event, key, value string, times int) {
		value = strings.Repeat(value, min(max(times, 1), 100_000/(len(value)+1)+1))
		line := written(Options{}, hclog.Error, event, key, value, "message", value, "traceback", value)
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil || strings.Count(line, "\n") != 1 || len(line) > 300<<10 {
			t.Fatalf("%v: %d bytes, %q", err, len(line), line)
		}
		text := written(Options{Text: true}, hclog.Error, event, key, value, "message", value, "traceback", value)
		if len(text) > 300<<10 {
			t.Fatalf("%d bytes", len(text))
		}
		if first, _, _ := strings.Cut(text, "\n"); len(first) > 4*fieldMax && name(event) != Output {
			t.Fatalf("%d bytes in the first line", len(first))
		}
		for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			if i > 0 && !strings.HasPrefix(line, "  ") {
				t.Fatalf("%q", text)
			}
			if strings.ContainsAny(line, "\r\x00\x07\x7f") {
				t.Fatalf("%q", line)
			}
		}
	})
}

const flaskTraceback = `[2026-03-01 12:00:00,000] ERROR in app: Exception on / [GET]
Traceback (most recent call last):
  File "/srv/shop/.venv/lib/python3.13/site-packages/flask/app.py", line 1511, in wsgi_app
    response = self.full_dispatch_request()
               ~~~~~~~~~~~~~~~~~~~~~~~~~~^^
  File "/srv/shop/app.py", line 7, in page
    return price("x")
  File "/srv/shop/prices.py", line 3, in price
    return json.loads(x)
           ~~~~~~~~~~^^^
  File "/usr/lib/python3.13/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
json.decoder.JSONDecodeError: Expecting value

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/shop/app.py", line 9, in page
    raise KeyError
KeyError`

// At a terminal the app's frames come first. Everywhere else a traceback is as Python has written it.
func TestTracebackAtATerminal(t *testing.T) {
	got := ownFramesFirst(flaskTraceback, false)
	want := `[2026-03-01 12:00:00,000] ERROR in app: Exception on / [GET]
Traceback (most recent call last):
  File "/srv/shop/app.py", line 7, in page
    return price("x")
  File "/srv/shop/prices.py", line 3, in price
    return json.loads(x)
           ~~~~~~~~~~^^^
  File "/srv/shop/.venv/lib/python3.13/site-packages/flask/app.py", line 1511, in wsgi_app
    response = self.full_dispatch_request()
               ~~~~~~~~~~~~~~~~~~~~~~~~~~^^
  File "/usr/lib/python3.13/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
json.decoder.JSONDecodeError: Expecting value

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/srv/shop/app.py", line 9, in page
    raise KeyError
KeyError`
	if got != want {
		t.Errorf("%s", got)
	}
	colored := ownFramesFirst(flaskTraceback, true)
	for _, code := range []string{faint, bright, red, uncolored} {
		if !strings.Contains(colored, code) {
			t.Errorf("no %q in it", code)
		}
		colored = strings.ReplaceAll(colored, code, "")
	}
	if colored != want {
		t.Errorf("without its colours: %s", colored)
	}
	for _, o := range []Options{{Text: true, Terminal: true}, {Text: true}, {}} {
		for _, pairs := range [][]any{{"traceback", flaskTraceback}, {"message", flaskTraceback}} {
			event := "app_error"
			if pairs[0] == "message" {
				event = Output
			}
			text := written(o, hclog.Error, event, pairs...)
			if first := strings.Index(text, "shop/app.py") < strings.Index(text, "flask/app.py"); first != o.Terminal {
				t.Errorf("%+v, %s: the app's frames first: %v", o, event, first)
			}
		}
	}
	long := inTraceback + "\nValueError: " + strings.Repeat("x", lineMost-13) + strings.Repeat("é", 100) + "\nthe end"
	if got := shortLines(long); len(got) > lineMost+100 || !utf8.ValidString(got) || !strings.HasSuffix(got, "...+200\nthe end") {
		t.Errorf("%q", got)
	}
	if text := strings.Repeat("x", 2*lineMost); shortLines(text) != text {
		t.Error("what an app prints is cut")
	}
	for _, same := range []string{"", inTraceback, "x\n" + inTraceback, inTraceback + "\nValueError", "  + Exception Group " + inTraceback + "\n  |   File \"/a/site-packages/x.py\", line 1\n"} {
		if got := ownFramesFirst(same, false); got != same {
			t.Errorf("%q", got)
		}
	}
}

// The lines of a text are the same ones, in another order.
func FuzzTraceback(f *testing.F) {
	f.Add(flaskTraceback)
	f.Add(inTraceback + "\n" + inTraceback + "\n  File \"<x>\", line 1\n  File \"")
	f.Fuzz(func(t *testing.T, s string) {
		was, is := strings.Split(s, "\n"), strings.Split(ownFramesFirst(s, false), "\n")
		slices.Sort(was)
		slices.Sort(is)
		if !slices.Equal(was, is) {
			t.Fatalf("%q", is)
		}
	})
}
