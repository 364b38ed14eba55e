package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// project is an empty folder as the current one, with a python3 in PATH and a quiet environment.
func project(t *testing.T, files ...string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("missing program: sh")
	}
	dir, bin := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "python3"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name, text, _ := strings.Cut(f, "=")
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for _, name := range []string{"PORT", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS", "FLASK_APP", "VIRTUAL_ENV", "GUNICORN_CMD_ARGS", "STANDPIPE_CONFIG", "KUBERNETES_SERVICE_HOST"} {
		t.Setenv(name, "")
	}
	t.Chdir(dir)
	return dir
}

func TestArrange(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"serve a:b -w 4", "serve --workers=4 -- a:b"},
		{"serve -w4 a:b --threads=2", "serve --workers=4 --threads=2 -- a:b"},
		{"serve -w=4 -e A=b,c -e X=", "serve --workers=4 --env=A=b,c --env=X= --"},
		{"serve --log-file - a", "serve --error-log=- -- a"},
		{"serve --chdir=/x -- -odd", "serve --dir=/x -- -odd"},
		{"serve -w -1 a -t -5s", "serve --workers=-1 --timeout=-5s -- a"},
		{"check --load a --json", "check --load --json -- a"},
		{"serve --server-header= a", "serve --server-header= -- a"},
		{"config a -h --nonsense", "config --help --"},
		{"serve --compress on a:b --preload", "serve --compress=on --preload=on -- a:b"},
		{"serve --compress off --reload a:b", "serve --compress=off --reload=on -- a:b"},
		{"check --load on --json=false", "check --load --"},
		{"check --json off a", "check -- a"},
		{"--version", "version --"},
		{"--help", "help"},
		{"", "help"},
	} {
		got, problems, err := arrange(newApp(nil, nil), append([]string{"standpipe"}, strings.Fields(c.in)...))
		if want := append([]string{"standpipe"}, strings.Fields(c.want)...); err != nil || problems != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v, %v; want %q", c.in, got, problems, err, want)
		}
	}
}

// A slip of the finger gives one sentence and exit code 2, no page of usage.
func TestUsageErrors(t *testing.T) {
	project(t, "app.py")
	for line, want := range map[string]string{
		"serve --wrokers 4":                      "there is no flag --wrokers; did you mean --workers?",
		"serve --timeou 4":                       "did you mean --timeout?",
		"serve -z":                               "there is no flag -z; standpipe serve --help lists them",
		"serve a:b c:d":                          `"c:d" is left over; there is one APP`,
		"serve -w":                               "-w needs a value",
		"serve -w --threads 2":                   "-w needs a value; write --workers=VALUE",
		"check -w -1":                            `--workers: workers "-1" is negative; it is 1 or more`,
		"check --timeout -5":                     `--timeout: timeout "-5" is negative; 0 means no limit`,
		"check -w x":                             `--workers: workers "x" is not a whole number`,
		"check --load=x":                         `--load: "x" is not on or off`,
		"serve --load":                           "there is no flag --load",
		"srve":                                   `there is no command "srve"; did you mean serve?`,
		"shop.wsgi:app":                          "did you mean: standpipe serve shop.wsgi:app?",
		"-w 4 app":                               "-w stands before the command",
		"version x":                              `"x" is left over; standpipe version takes no arguments`,
		"version --preload":                      "there is no flag --preload",
		"check -k eventlet":                      "-k eventlet: not yet",
		"check -k gevent --threads 2":            "gevent is 1000 and threads is 2",
		"check --gevent 20000":                   "gevent is 20000; it is 1 to 10000",
		"check --worker-connections 5":           "goes with -k gevent",
		"check -k gevent --worker-connections x": `"x" is not a whole number`,
		"check -k uvicorn.workers.UvicornWorker": "not ASGI",
		"check -k fast":                          "there is no such kind of worker",
		"check --preload=maybe":                  `--preload: preload "maybe" is not on or off`,
		"serve --port 80":                        "write -b 8000",
		"check --host 0.0.0.0":                   "is an address to listen on",
		"check -c nope.toml":                     "nope.toml: the configuration file does not exist",
		"check --log-level loud":                 "is not one of trace, debug",
	} {
		code, out, errOut := call(t, strings.Fields(line)...)
		if code != 2 || !strings.Contains(errOut, want) || strings.Count(errOut, "\n") != 1 || out != "" {
			t.Errorf("%s: exit %d, %q, %q; want %q", line, code, out, errOut, want)
		}
	}
	if code, _, errOut := call(t, "serve", ""); code != 2 || !strings.Contains(errOut, "APP is empty") {
		t.Errorf("an empty APP: exit %d, %q", code, errOut)
	}
}

func TestCheck(t *testing.T) {
	project(t, "app.py", "bad.toml=[limits]\nmax_bdy = 1\n[[app]]\nworkers = 0\n", "good.toml=[[app]]\nname = \"shop\"\nmodule = \"shop.wsgi\"\nhosts = [\"a.org\"]\n")
	code, out, errOut := call(t, "check", "-k", "sync", "-w", "3")
	if code != 0 || !strings.HasPrefix(out, "ok ") || !strings.Contains(out, "first of app.py") || !strings.Contains(out, "workers 3") || errOut != "" {
		t.Errorf("exit %d, %q, %q", code, out, errOut)
	}
	for line, want := range map[string]string{"-k gevent": "1000", "-k gevent --gevent 7": "7", "-k gevent --worker-connections 9": "9", "--gevent 5": "5"} {
		if code, out, errOut := call(t, append([]string{"config"}, strings.Fields(line)...)...); code != 0 || !regexp.MustCompile(`gevent\s+=? *`+want+`\b`).MatchString(out) {
			t.Errorf("%s: exit %d, %q, %q", line, code, out, errOut)
		}
	}
	code, out, _ = call(t, "check", "-c", "good.toml")
	if code != 0 || !strings.Contains(out, "good.toml is good") || !strings.Contains(out, "on a.org /") {
		t.Errorf("exit %d, %q", code, out)
	}
	code, out, errOut = call(t, "check", "-c", "bad.toml", "-t", "x")
	if code != 2 || out != "" || !strings.HasPrefix(errOut, "standpipe: 3 problems\n") || !strings.Contains(errOut, "  bad.toml:2  there is no") {
		t.Errorf("exit %d, %q, %q", code, out, errOut)
	}
	var report struct {
		OK       bool
		Problems []struct{ Where, Message string }
		Warnings []string
	}
	code, out, errOut = call(t, "check", "-c", "bad.toml", "--json")
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 2 || report.OK || len(report.Problems) != 2 || report.Problems[0].Where != "bad.toml:2" || errOut != "" {
		t.Errorf("exit %d, %v, %+v, %q", code, err, report, errOut)
	}
	t.Setenv("GUNICORN_CMD_ARGS", "-w 3")
	code, out, _ = call(t, "check", "--json")
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 || !report.OK || len(report.Problems) != 0 || len(report.Warnings) != 1 {
		t.Errorf("exit %d, %v, %+v", code, err, report)
	}
}

func TestConfigCommand(t *testing.T) {
	dir := project(t, "standpipe.toml=[[app]]\nname = \"shop\"\nmodule = \"shop.wsgi\"\nenv = { DB_PASSWORD = \"hush\" }\n")
	t.Setenv("PORT", "81")
	code, out, errOut := call(t, "config", "-w", "shop=8")
	if code != 0 || errOut != "" || strings.Contains(out, "hush") || strings.Contains(out, "\x1b") {
		t.Errorf("exit %d, %q, %q", code, out, errOut)
	}
	rows := make(map[string][]string)
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		rows[f[0]] = f[1:]
	}
	for key, want := range map[string]string{
		"config": dir + "/standpipe.toml read", "listen.0.address": "0.0.0.0:81 env PORT", "app.shop.workers": "8 flag --workers",
		"app.shop.module": "shop.wsgi standpipe.toml:3", "app.shop.env.DB_PASSWORD": "****** standpipe.toml:4", "limits.max_body": "100MiB default",
	} {
		if got := strings.Join(rows[key], " "); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}

// A switch stands alone, and what follows it is not its value.
func TestSwitchOnTheCommandLine(t *testing.T) {
	project(t, "app.py")
	for line, want := range map[string]string{
		"config --preload":         "on flag --preload",
		"config --preload app:app": "on flag --preload",
		"config --preload=off":     "off flag --preload",
		"config --preload off app": "off flag --preload",
		"config --preload True":    "on flag --preload",
		"config --preload=no":      "off flag --preload",
		"config":                   "off default",
	} {
		code, out, errOut := call(t, strings.Fields(line)...)
		found := ""
		for l := range strings.Lines(out) {
			if f := strings.Fields(l); strings.HasSuffix(f[0], ".preload") {
				found = strings.Join(f[1:], " ")
			}
		}
		if code != 0 || found != want {
			t.Errorf("%s: exit %d, %q, want %q; %s", line, code, found, want, errOut)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	code, out, _ := call(t, "serve", "--help")
	if code != 0 || !strings.Contains(out, "standpipe serve shop.wsgi:application -w 4") {
		t.Errorf("exit %d, %q", code, out)
	}
	// Each flag: what its value is, its variable, whether it may be given again.
	for _, want := range []string{
		"   -w, --workers N|A..B or APP=N|A..B           STANDPIPE_WORKERS, repeatable\n        Worker processes, at least 1: a number, or 2..8",
		"   --max-body SIZE                              STANDPIPE_MAX_BODY\n        The largest request body; a larger one is answered 413 (default: 100MiB)\n",
		"   -t, --timeout DURATION or APP=DURATION ", " --log-format auto|text|json ", "   -e, --env NAME=VALUE                         repeatable\n", "--dir, --chdir DIR ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the help has no %q", want)
		}
	}
	for line := range strings.Lines(out) {
		if len(line) > 120 || strings.ContainsAny(line, "`{") {
			t.Errorf("in the help: %q", line)
		}
	}
	for _, command := range []string{"check", "config"} {
		if code, out, _ := call(t, command, "--help"); code != 0 || !strings.Contains(out, "STANDPIPE_WORKERS, repeatable") || !strings.Contains(out, "   --json\n        write JSON\n") {
			t.Errorf("%s: exit %d, %q", command, code, out)
		}
	}
	if code, out, _ = call(t); code != 0 || !strings.Contains(out, "check") {
		t.Errorf("exit %d, %q", code, out)
	}
	if code, out, _ = call(t, "version"); code != 0 || !strings.HasPrefix(out, "standpipe "+version+" (go") {
		t.Errorf("exit %d, %q", code, out)
	}
}

// What stands in the test is what main is.
func TestMainIsShort(t *testing.T) {
	text, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n >= 40 {
		t.Errorf("main.go has %d lines; it stays under 40", n)
	}
}
