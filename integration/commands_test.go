package integration

import (
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// command is one line that a reader may paste into a shell.
type command struct {
	file string
	line int
	text string
	exit int // what it ends with, by a trailing `# exit 2`
}

// block is a fenced ```sh block: its commands run in order, in one folder; a server runs until the block's end.
type block []command

var exitMark = regexp.MustCompile(`#.*\bexit (\d+)\b`)

// blocks reads the ```sh blocks of a page. A line that ends with a backslash continues on the next one.
func blocks(t testing.TB, path string) []block {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []block
	var cur block
	inside, joined := false, ""
	for i, line := range strings.Split(string(b), "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case !inside:
			inside = trimmed == "```sh"
			continue
		case trimmed == "```":
			inside = false
			if len(cur) > 0 {
				list = append(list, cur)
			}
			cur = nil
			continue
		case strings.HasSuffix(trimmed, `\`):
			joined += strings.TrimSuffix(trimmed, `\`) + " "
			continue
		}
		text := joined + trimmed
		joined = ""
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		c := command{file: filepath.Base(path), line: i + 1, text: text}
		if m := exitMark.FindStringSubmatch(text); m != nil {
			c.exit, _ = strconv.Atoi(m[1])
		}
		cur = append(cur, c)
	}
	if inside {
		t.Errorf("%s: a ```sh block without an end", path)
	}
	return list
}

// docPages are README.md and the pages of docs/.
func docPages(t testing.TB) []string {
	t.Helper()
	pages := []string{filepath.Join(repoDir(), "README.md")}
	for _, folder := range []string{"docs", "docs/migrating"} {
		list, err := filepath.Glob(filepath.Join(repoDir(), folder, "*.md"))
		if err != nil || len(list) == 0 {
			t.Fatalf("%s: %d pages, %v", folder, len(list), err)
		}
		pages = append(pages, list...)
	}
	return pages
}

// Every command line of README.md and docs/ does what the page says. Not parallel: the lines bind the ports they name.
func TestCommandLinesOfTheDocs(t *testing.T) {
	seen := 0
	for _, page := range docPages(t) {
		for _, b := range blocks(t, page) {
			seen++
			t.Run(filepath.Base(page)+":"+strconv.Itoa(b[0].line), func(t *testing.T) { runBlock(t, b) })
		}
	}
	if seen == 0 {
		t.Error("no ```sh block in README.md and docs/")
	}
}

// docsProject is the folder in which the pages' commands run.
func docsProject(t testing.TB) string {
	t.Helper()
	application := strings.Replace(hello("shop"), "def app", "def application", 1)
	factory := "def create_app():\n" + indent(hello("blog")) + "    return app\n"
	dir := project(t, map[string]string{
		"shop/__init__.py":                  "",
		"shop/wsgi.py":                      application,
		"shop/settings.py":                  "",
		"blog.py":                           factory,
		"app.py":                            hello("app"),
		".env":                              "SHOP_COLOUR=blue\n",
		"gunicorn.conf.py":                  "workers = 1 + 1\n",
		"uwsgi.ini":                         "[uwsgi]\nmodule = shop.wsgi\n",
		"etc/nginx/sites-enabled/shop":      "events {}\nhttp { server { listen 8080; location / { proxy_pass http://127.0.0.1:8000; } } }\n",
		"busy.html":                         "busy\n",
		"media/a.txt":                       "media\n",
		"static/app.css":                    "a { color: red }\n",
		"srv/downloads/a.txt":               "download\n",
		"srv/shop/shop/__init__.py":         "",
		"srv/shop/shop/wsgi.py":             application,
		"srv/blog/blog.py":                  factory,
		"srv/blog/index.php":                "<?php\n",
		"srv/apps.toml":                     "[[app]]\nname = \"shop\"\nmodule = \"shop.wsgi:application\"\ndir = \"shop\"\nhosts = [\"shop.example.org\"]\nworkers = 2\n\n[[app]]\nname = \"blog\"\nmodule = \"blog:create_app\"\ndir = \"blog\"\nmount = \"/blog\"\nworkers = 1\n",
		"srv/shop/standpipe.toml":           "[[app]]\nname = \"shop\"\nmodule = \"shop.wsgi:application\"\ndir = \"current\"\nworkers = 1\n",
		"srv/shop/releases/41/shop/wsgi.py": application,
		"srv/shop/releases/42/shop/wsgi.py": application,
		"srv/shop/releases/43/shop/wsgi.py": "def",
		"standpipe.toml":                    "[[listen]]\naddress = \"127.0.0.1:8000\"\n\n[[app]]\nname = \"shop\"\nmodule = \"shop.wsgi:application\"\nworkers = 2\n",
	})
	if err := os.Symlink("releases/41", filepath.Join(dir, "srv", "shop", "current")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// fakeProgram puts a program `standpipe` into dir/bin; what it runs as leaves its pid in dir/pid.
func fakeProgram(t testing.TB, dir string) (path string) {
	t.Helper()
	write(t, dir, map[string]string{"bin/x": ""})
	putProgram(t, dir+"/bin/standpipe", []byte("#!/bin/sh\necho $$ >"+dir+"/pid\nexec "+built.binary+" \"$@\"\n"))
	return dir + "/bin:" + built.path
}

// followProgram takes the pid that the fake program has left, of the real one behind the shell. Cleanup signals it.
func (s *server) followProgram(tools string) {
	b, err := os.ReadFile(filepath.Join(tools, "pid"))
	if err != nil || !strings.HasSuffix(string(b), "\n") {
		return
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
		s.Pid = pid
	}
}

var serveLine = regexp.MustCompile(`(^|\s)standpipe (serve|dev)(\s|$)`)

func runBlock(t *testing.T, b block) {
	dir := docsProject(t)
	tools := t.TempDir()
	path := fakeProgram(t, tools)
	for _, c := range b {
		if strings.Contains(c.text, "--output standpipe.toml") {
			_ = os.Remove(filepath.Join(dir, "standpipe.toml")) // it never overwrites a file
		}
	}
	var serving *server // stays for the lines that ask it, until the next one that serves
	for _, c := range b {
		text := strings.NewReplacer("/srv/", dir+"/srv/", "/etc/nginx/", dir+"/etc/nginx/").Replace(c.text)
		switch {
		case strings.HasPrefix(text, "make "):
			// The targets are run by others; here: that they exist.
			s := start(t, opts{Argv: []string{"make", "-n", "-C", repoDir()}, Args: strings.Fields(strings.Split(text, "#")[0])[1:], Bare: true, NoWait: true, Dir: dir, Exit: -1})
			if code := s.wait(); code != 0 {
				t.Errorf("%s:%d: %s: make -n exits with %d\n%s", c.file, c.line, c.text, code, s.stderrText())
			}
		case serveLine.MatchString(text) && c.exit == 0:
			if serving != nil {
				serving.stop()
			}
			serving = serveUntilEnd(t, c, text, dir, tools, path)
		default:
			s := start(t, opts{Argv: []string{"sh", "-c"}, Args: []string{text}, Bare: true, NoWait: true, Dir: dir, Env: []string{"PATH=" + path}, Exit: -1})
			if code := s.wait(); code != c.exit {
				t.Errorf("%s:%d: %s: exit code %d, want %d\n%s\n%s", c.file, c.line, c.text, code, c.exit, strings.Join(s.access(), "\n"), s.stderrText())
			}
		}
	}
}

// serveUntilEnd starts a line that serves, waits until its apps are ready, and stops it at the end of the test.
func serveUntilEnd(t *testing.T, c command, text, dir, tools, path string) *server {
	t.Helper()
	text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "&"))
	_ = os.Remove(filepath.Join(tools, "pid"))
	s := start(t, opts{Argv: []string{"sh", "-c"}, Args: []string{text}, Bare: true, NoWait: true, Dir: dir, Env: []string{"PATH=" + path}})
	apps := max(1, strings.Count(text, "--app"))
	for deadline := time.Now().Add(bootPatience); ; pause() {
		s.followProgram(tools)
		ready := map[string]bool{}
		for _, r := range s.log() {
			switch r.event() {
			case "listening":
				s.setAddress(r.str("address"))
			case "app_ready":
				ready[r.str("app")] = true
			case "app_failed":
				t.Fatalf("%s:%d: %s: %s", c.file, c.line, c.text, r.str("message"))
			}
		}
		if s.Addr != "" && len(ready) >= apps {
			break
		}
		if s.ended() {
			if s.exitedWith() == 4 {
				s.expect(4)
				skip(t, "port-in-use", c.text+": "+tail(s.err.all(), 1))
			}
			t.Fatalf("%s:%d: %s: exit code %d\n%s", c.file, c.line, c.text, s.exitedWith(), s.stderrText())
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s:%d: %s: not ready\n%s", c.file, c.line, c.text, s.stderrText())
		}
	}
	s.workers()
	return s
}

var (
	tomlBlock = regexp.MustCompile("(?ms)^ *```toml\n(.*?)^ *```")
	ofReader  = regexp.MustCompile(` does not exist$| has no certificate;`) // files that only the reader has
)

// Each ```toml block of the pages is a configuration without a problem, except that the reader's own files are missing.
func TestConfigurationsOfTheDocs(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, page := range docPages(t) {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range tomlBlock.FindAllSubmatchIndex(b, -1) {
			seen++
			text := string(b[at[2]:at[3]])
			if !strings.Contains(text, "[[app]]") && strings.Contains(text, "[[app.") {
				text = "[[app]]\nname = \"shop\"\nmodule = \"shop.wsgi:application\"\n\n" + text
			}
			if !strings.Contains(text, "[[app]]") && strings.Contains(text, "app = \"shop\"") {
				text += "\n[[app]]\nname = \"shop\"\nmodule = \"shop.wsgi:application\"\n"
			}
			dir := docsProject(t)
			write(t, dir, map[string]string{"standpipe.toml": strings.ReplaceAll(text, "/srv/", dir+"/srv/")})
			cmd := exec.Command(built.binary, "check", "-c", "standpipe.toml")
			cmd.Dir, cmd.Env = dir, cleanEnv(t)
			out, err := cmd.CombinedOutput()
			for line := range strings.Lines(string(out)) {
				line = strings.TrimRight(line, "\n")
				if err != nil && strings.Contains(line, "standpipe.toml:") && !ofReader.MatchString(line) {
					t.Errorf("%s:%d: %s", filepath.Base(page), 1+strings.Count(string(b[:at[0]]), "\n"), line)
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("%d blocks of toml", seen)
	}
}

// The picture of the README shows what the program prints: docs/drawings/terminal.py runs it again and compares.
func TestPictureOfTheTerminal(t *testing.T) {
	t.Parallel()
	venv := filepath.Dir(filepath.Dir(python(t)))
	cmd := exec.Command("python3", "-B", filepath.Join(repoDir(), "docs", "drawings", "terminal.py"), "--check", built.binary, venv)
	cmd.Env = cleanEnv(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

var (
	programLine = regexp.MustCompile(`^(?:[a-z]+:\s*)?(.*\bgunicorn\b.*)$`)
	appWord     = regexp.MustCompile(`^([A-Za-z_]\w*(?:\.\w+)*\.wsgi|[A-Za-z_][\w.]*):?([A-Za-z_]\w*)?(\(.*\))?$`)
)

// stub makes a module (with its packages) that has an app, or, for a name that sounds so, a factory.
func stub(t testing.TB, dir, module, attr string) {
	t.Helper()
	parts := strings.Split(module, ".")
	files := map[string]string{}
	for i := 1; i < len(parts); i++ {
		files[filepath.Join(append(append([]string{}, parts[:i]...), "__init__.py")...)] = ""
	}
	text := strings.Replace(hello("stub"), "def app", "def "+attr, 1)
	if attr == "" {
		attr = "application"
		text = strings.Replace(hello("stub"), "def app", "def application", 1)
	}
	if strings.HasPrefix(attr, "create_") || strings.HasPrefix(attr, "make_") {
		text = "def " + attr + "(*args):\n" + indent(hello("stub")) + "    return app\n"
	}
	files[filepath.Join(parts...)+".py"] = text
	write(t, dir, files)
}

// freePort is a port for programs that cannot choose one themselves. It is below the ports that the system gives to sockets that name
// none, and no test gets it twice: nothing else takes it meanwhile.
func freePort(t testing.TB) string {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(15000 + rand.IntN(15000))
		if _, given := givenPorts.LoadOrStore(port, true); !given && nothingAt(port) {
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// givenPorts are those that freePort has returned.
var givenPorts sync.Map

// nothingAt reports whether a port is free at all addresses, and at loopback's alone.
func nothingAt(port string) bool {
	syscall.ForkLock.RLock() // a child of another test would keep the listener until its execve(2)
	defer syscall.ForkLock.RUnlock()
	for _, host := range []string{"", "127.0.0.1"} {
		ln, err := net.Listen("tcp", host+":"+port)
		if err != nil {
			return false
		}
		ln.Close()
	}
	return true
}
