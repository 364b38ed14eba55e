package top

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/top/screen"
)

var update = flag.Bool("update", false, "write the screens of testdata")

// sizes of terminals: the usual one, a large one, a part of a split one.
var sizes = [][2]int{{80, 24}, {120, 40}, {60, 15}}

// shots are screens, each with the keys that lead there.
var shots = map[string][]screen.Key{
	"apps": nil, "workers": {"2"}, "upstreams": {"3"}, "slow": {"4"}, "cache": {"5"}, "events": {"6"},
	"app": {"enter"}, "worker": {"2", "enter"}, "request": {"4", "enter"}, "upstream": {"3", "down", "enter"}, "of_cache": {"5", "enter"}, "event": {"6", "enter"},
	"lines": {"2", "D"}, "menu": {"2", "x"}, "confirm": {"2", "x", "r"}, "number": {"x", "s", "1", "2"}, "help": {"?"}, "filter": {"2", "/", "a", "d"}, "paused": {"p"},
}

const stacks = `thread 139 (MainThread)
  wsgi.py:14 in app: return shop(environ)
  /usr/lib/python3.11/site-packages/flask/app.py:920 in full_dispatch_request: rv = self.dispatch_request()
  shop/reports.py:88 in build: rows = cur.fetchall()
  /usr/lib/python3.11/site-packages/psycopg/cursor.py:12 in fetchall: return self._fetch()
`

// Each screen is the one in testdata, at each size. go test ./cmd/internal/top -update writes them.
func TestScreens(t *testing.T) {
	time.Local = time.UTC
	for name, keys := range shots {
		var all strings.Builder
		for _, size := range sizes {
			m := model(size[0], size[1], keys...)
			for _, d := range m.dumps.workers {
				if d.asked {
					m.Update(Dumped{At: noon, Worker: "shop/1", Stacks: stacks})
				}
			}
			c := show(m)
			for y := range c.H {
				if row := c.Row(y); screen.Width(row) > size[0] || screen.Clean(row) != row {
					t.Errorf("%s, row %d: %q", name, y, row)
				}
			}
			fmt.Fprintf(&all, "%s\n%dx%d\n", strings.Repeat("=", size[0]), size[0], size[1])
			all.WriteString(c.String())
		}
		file := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(file, []byte(all.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(want) != all.String() {
			t.Errorf("%s is another one now; go test ./cmd/internal/top -update writes it:\n%s", file, all.String())
		}
	}
}

// Whatever the size, a screen can be drawn, with whatever keys.
func TestEverySize(t *testing.T) {
	for _, w := range []int{0, 1, 39, 40, 47, 60, 79, 99, 100, 133} {
		for _, h := range []int{0, 9, 10, 11, 15, 19, 25, 33, 61} {
			for name, keys := range shots {
				m := model(w, h, keys...)
				if c := show(m); c.W != w || c.H != h {
					t.Fatalf("%s at %dx%d is %dx%d", name, w, h, c.W, c.H)
				}
			}
		}
	}
}

func TestText(t *testing.T) {
	time.Local = time.UTC
	m := New("/run/standpipe/shop.sock", "", time.Second)
	m.Update(busyServer())
	got := m.Text(func(_ screen.Style, text string) string { return text })
	file := filepath.Join("testdata", "once.txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("%v; is now:\n%s", err, got)
	}
	if strings.ContainsAny(got, "\x1b\x07") {
		t.Errorf("%q", got)
	}
	if painted := m.Text(screen.Style.Paint); !strings.Contains(painted, "\x1b[0;1mshop\x1b[0m") {
		t.Errorf("%q", painted)
	}
	if New("x", "", time.Second).Text(screen.Style.Paint) != "" {
		t.Error("text of nothing")
	}
}
