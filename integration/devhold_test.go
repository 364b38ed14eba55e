package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// devRounds is how many edits the tests of the development mode make; the nightly run makes more.
func devRounds(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("STANDPIPE_DEV_ROUNDS"))
	if err != nil {
		return 20
	}
	return n
}

const devFlask = `from flask import Flask
from shop.text import text

app = Flask(__name__)


@app.get("/")
def page():
    return text()
`

// devProject is a Flask or a Django project whose page says what shop/text.py says.
func devProject(t *testing.T, framework string) (dir, app string) {
	t.Helper()
	if framework == "flask" {
		return project(t, map[string]string{"app.py": devFlask, "shop/__init__.py": "", "shop/text.py": devText(0)}), "app:app"
	}
	dir = project(t, nil)
	startProject(t, "mysite", dir)
	write(t, dir, map[string]string{
		"shop/__init__.py": "", "shop/text.py": devText(0),
		"mysite/urls.py": "from django.http import HttpResponse\nfrom django.urls import path\nfrom shop.text import text\n\nurlpatterns = [path('', lambda request: HttpResponse(text()))]\n",
	})
	return dir, "mysite.wsgi:application"
}

func devText(round int) string { return fmt.Sprintf("def text():\n    return \"round %d\"\n", round) }

// startDev runs `standpipe dev` as start runs `standpipe serve`.
func startDev(t *testing.T, o opts) *server {
	t.Helper()
	o.Argv = []string{"{bin}", "dev"}
	return start(t, o)
}

// save writes a file as editors do: in place, by a file that takes its name, or by moving the old one away first.
func save(t *testing.T, path, text string, round int) {
	t.Helper()
	put := func(path string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	move := func(from, to string) {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	switch round % 3 {
	case 0:
		put(path)
	case 1:
		put(path + ".new")
		move(path+".new", path)
	case 2:
		move(path, path+"~")
		put(path)
	}
}

// A request that follows an edit at once gets the new code, or its failure: never the old page, and no error of the server.
func TestDevHold(t *testing.T) {
	t.Parallel()
	for _, framework := range []string{"flask", "django"} {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			dir, app := devProject(t, framework)
			s := startDev(t, opts{App: app, Dir: dir, Python: python(t)})
			file := filepath.Join(dir, "shop", "text.py")
			stale, failed, hidden := 0, 0, 0
			var worst time.Duration
			for round := 1; round <= devRounds(t); round++ {
				broken := round%8 == 0
				text := devText(round)
				if broken {
					text = "def text(:\n"
				}
				save(t, file, text, round)
				time.Sleep([]time.Duration{0, 2, 5, 0, 20, 0, 11}[round%7] * time.Millisecond) // a person switches to the browser
				begin := time.Now()
				r, err := s.try(s.request("GET", "/", nil))
				worst = max(worst, time.Since(begin))
				switch {
				case err != nil:
					t.Errorf("round %d: %v", round, err)
				case broken && r.Status == 200:
					hidden++
				case broken && framework == "flask" && !(r.Status == 503 && strings.Contains(r.Body, "text.py")), broken && r.Status < 500: // Django imports it with the first request
					t.Errorf("round %d: broken code: %d %.300q", round, r.Status, r.Body)
				case broken:
				case r.Status != 200:
					failed++
					t.Logf("round %d: %d %.300q", round, r.Status, r.Body)
				case r.Body != fmt.Sprintf("round %d", round):
					stale++
				}
			}
			t.Logf("%d rounds: %d stale answers, %d errors, %d times the old page for broken code; the slowest answer took %v", devRounds(t), stale, failed, hidden, worst.Round(time.Millisecond))
			if stale+failed+hidden > 0 {
				t.Errorf("%d stale answers, %d errors, %d times the old page for broken code", stale, failed, hidden)
			}
		})
	}
}

// The same edits are answered by the old code where requests do not wait: the test above can fail.
func TestDevHoldBites(t *testing.T) {
	t.Parallel()
	dir, app := devProject(t, "flask")
	s := start(t, opts{App: app, Dir: dir, Python: python(t), Args: []string{"--reload", "-w", "2"}})
	save(t, filepath.Join(dir, "shop", "text.py"), devText(1), 1)
	if r := s.want(200, "/"); r.Body != "round 0" {
		t.Errorf("%q at once, without the development mode", r.Body)
	}
}
