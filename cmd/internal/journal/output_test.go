package journal

import (
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/standpipe/standpipe/supervisor"
)

func TestLevelOf(t *testing.T) {
	for text, want := range map[string]hclog.Level{
		"a line": hclog.Info,
		"no error: all is well, and the word warning is one of a sentence": hclog.Info,
		"Errors are counted":    hclog.Info,
		"ERROR:root:no":         hclog.Error,
		"WARNING:shop.till:low": hclog.Warn,
		"DEBUG: x":              hclog.Debug,
		"error: cannot open":    hclog.Error,
		"2026-03-01 12:00:00,123 - shop - ERROR - text":                                          hclog.Error,
		"[2026-03-01 12:00:00,123] ERROR in app: Exception on / [GET]":                           hclog.Error,
		"2026-03-01 12:00:00 [warning  ] text key=1":                                             hclog.Warn,
		"\x1b[2m2026-03-01 12:00:00\x1b[0m [\x1b[31m\x1b[1merror    \x1b[0m] text":               hclog.Error,
		"time=2026 level=warn msg=x":                                                             hclog.Warn,
		"[CRITICAL] x":                                                                           hclog.Error,
		`{"event": "x", "level": "error"}`:                                                       hclog.Error,
		`{"levelname":"WARNING","message":"x"}`:                                                  hclog.Warn,
		`{"message":"error"}`:                                                                    hclog.Info,
		"shop/views.py:12: DeprecationWarning: x is old\n  x()":                                  hclog.Warn,
		"Exception in thread Thread-1 (f):\nTraceback (most recent call last):\n  x\n":           hclog.Error,
		"Exception ignored in: <x>\nTraceback (most recent call last):\n  x":                     hclog.Error,
		"--- Logging error ---":                                                                  hclog.Error,
		"Fatal Python error: Segmentation fault\n\nCurrent thread 0x1 (most recent call first):": hclog.Error,
		"GET /ERROR 200":                 hclog.Info,
		"level='error' event='x'":        hclog.Error,
		"event='x' level='warning'":      hclog.Warn,
		"E1128 20:00:00.1 12 x.cc:8] no": hclog.Error,
		"W0101 20:00:00.1 12 x.cc:8] no": hclog.Warn,
		"E1128b is a room":               hclog.Info,
		`{"text": "x | ERROR | y", "record": {"level": {"icon": "x", "name": "ERROR", "no": 40}, "name": "app"}}`: hclog.Error,
		`{"message": "` + strings.Repeat("x", 600) + `", "level": "error"}`:                                       hclog.Error,
		"": hclog.Info,
	} {
		if got := levelOf(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestRaised(t *testing.T) {
	for _, c := range [][3]string{
		{"a line", "", ""},
		{"x\nTraceback (most recent call last):\n  File \"/srv/app.py\", line 3, in view\n    boom()\n  File \"/v/site-packages/lib.py\", line 9, in boom\n    raise\nValueError: no", "/srv/app.py:3 in view", "ValueError: no"},
		{"Traceback (most recent call last):\n  File \"/usr/lib/python3/x.py\", line 9, in f\nKeyError", "/usr/lib/python3/x.py:9 in f", "KeyError"},
		{"x\nTraceback (most recent call last):\n\n> File \"/srv/app.py\", line 3, in view\n    1/0\n    └ 1\n\nValueError: no", "/srv/app.py:3 in view", "ValueError: no"},
		{"  + Exception Group Traceback (most recent call last):\n  |   File \"/srv/app.py\", line 9, in view\n  |     raise\n  | ExceptionGroup: two (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n    | ValueError: 1\n    +---------------- 2 ----------------\n    | TypeError: 2\n    +---------", "/srv/app.py:9 in view", "ExceptionGroup: two (2 sub-exceptions)"},
		{"Fatal Python error: Segmentation fault\n\nThread 0x2 (most recent call first):\n  File \"/b.py\", line 1 in wait\n\nCurrent thread 0x1 (most recent call first):\n  File \"/usr/lib/python3/ctypes/x.py\", line 5 in at\n  File \"/a.py\", line 2 in view\n", "/a.py:2 in view", "Fatal Python error: Segmentation fault"},
	} {
		if at, exception := raised(c[0]); at != c[1] || exception != c[2] {
			t.Errorf("%q: %q, %q", c[0], at, exception)
		}
	}
}

// The level that logging gave counts, whatever the text says.
func TestOutputLevels(t *testing.T) {
	got := records(t, func(j *Journal) {
		j.Event(supervisor.Output{Who: someone, Level: "warn", Text: "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nE"})
		j.Event(supervisor.Output{Who: someone, Level: "info", Text: "ERROR: x"})
		j.Event(supervisor.Output{Who: someone, Level: "info", Text: "--- Logging error ---\nTraceback"})
	})
	if got[0]["level"] != "warn" || got[0]["at"] != "a.py:1 in f" || got[1]["level"] != "info" || got[2]["level"] != "error" {
		t.Errorf("%v", got)
	}
}

func FuzzLevelOf(f *testing.F) {
	f.Add("{\"level\":")
	f.Add("\x1b[")
	f.Add("a:1: XWarning: y")
	f.Add("Traceback (most recent call last):\n  File \"x\", line 1, in f\nE")
	f.Fuzz(func(t *testing.T, text string) { levelOf(text); raised(text); crashedAt(text) })
}
