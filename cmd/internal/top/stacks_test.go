package top

import (
	"fmt"
	"strings"
	"testing"
)

func TestStacks(t *testing.T) {
	fault := `Thread 0x00007fe9528d76c0 (most recent call first):
  File "/run/standpipe/shim-44/standpipe_shim/core/frames.py", line 110 in next
  File "/run/standpipe/shim-44/standpipe_shim/core/control.py", line 109 in _run

Current thread 0x00007fe95383bb80 (most recent call first):
  File "/usr/lib/python3/dist-packages/x.py", line 3 in <lambda>
  File "/srv/shop/shop/views.py", line 22 in cart
  File "/run/standpipe/shim-44/standpipe_shim/core/plain.py", line 119 in serve_plain
  File "/run/standpipe/shim-44/__main__.py", line 69 in <module>
`
	for _, c := range []struct{ text, line, threads string }{
		{"", "", "[]"},
		{stacks, "shop/reports.py:88 in build: rows = cur.fetchall()", "[MainThread 4]"},
		{fault, "shop/views.py:22 in cart", "[MainThread 2]"},
		{"thread 1 (MainThread)\n  run.py:3 in main: x()\nthread 2 (w), of this request\n  a.py:7 in view: y[1:2]\n  /usr/lib/z.py:1 in z\n", "a.py:7 in view: y[1:2]", "[MainThread 1 w 2]"},
		{"thread 2 (w)\n  /usr/lib/threading.py:300 in wait: waiter.acquire()\n", "/usr/lib/threading.py:300 in wait: waiter.acquire()", "[w 1]"},
		{"thread 3\n", "", "[]"}, {"  a.py:7 in view\n", "", "[]"}, {"thread 1\nnoise\n  a.py:x in view\n  a.py:7 in f\n", "a.py:7 in f", "[ 1]"},
	} {
		threads := readStacks(c.text, "/srv/shop")
		var names []string
		for _, th := range threads {
			names = append(names, fmt.Sprint(th.name, " ", len(th.frames)))
		}
		if got := busiest(threads); got != c.line || fmt.Sprint(names) != c.threads {
			t.Errorf("%q:\n %q %v", c.text, got, names)
		}
	}
}

// Whatever a worker answers, what is kept of it is bounded.
func FuzzStacks(f *testing.F) {
	f.Add(stacks, "/srv")
	f.Add("Current thread 0x1 [x] (most recent call first):\n  File \"a\", line 1 in b\n", "")
	f.Add(strings.Repeat("thread 1\n  a:1 in b\n", 300), "a")
	f.Fuzz(func(t *testing.T, text, folder string) {
		threads := readStacks(text, folder)
		if len(threads) > mostThreads {
			t.Fatalf("%d threads", len(threads))
		}
		for _, th := range threads {
			if len(th.frames) == 0 || len(th.frames) > mostFrames {
				t.Fatalf("%d frames", len(th.frames))
			}
		}
		if len(busiest(threads)) > len(text)+20 {
			t.Fatalf("%q: %q", text, busiest(threads))
		}
	})
}
