package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
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

// A mistyped command line gives one line that names what is wrong, and exit code 2; no page of usage. The sentences are in
// integration/testdata/golden.
func TestUsageErrors(t *testing.T) {
	project(t, "app.py")
	for line, want := range map[string]string{
		"serve --wrokers 4":                      "--wrokers --workers",
		"serve --timeou 4":                       "--timeou --timeout",
		"serve -z":                               "-z",
		"serve a:b c:d":                          "c:d APP",
		"serve -w":                               "-w",
		"serve -w --threads 2":                   "-w --workers=VALUE",
		"check -w -1":                            `--workers: "-1"`,
		"check --timeout -5":                     `--timeout: "-5"`,
		"check -w x":                             `--workers: "x"`,
		"check --load=x":                         `--load: "x"`,
		"serve --load":                           "--load",
		"srve":                                   `"srve" serve`,
		"shop.wsgi:app":                          "standpipe serve shop.wsgi:app",
		"-w 4 app":                               "-w",
		"version x":                              "`x` version",
		"version --preload":                      "--preload",
		"check -k eventlet":                      "-k eventlet",
		"check -k gevent --threads 2":            "gevent 1000 threads 2",
		"check --gevent 20000":                   "gevent 20000 10000",
		"check -k gevent --worker-connections x": `--worker-connections "x"`,
		"check -k uvicorn.workers.UvicornWorker": "ASGI",
		"check -k fast":                          "-k fast",
		"check --preload=maybe":                  `--preload: "maybe"`,
		"serve --port 80":                        "--port -b",
		"check --host 0.0.0.0":                   "--host 0.0.0.0",
		"check -c nope.toml":                     "nope.toml",
		"check --log-level loud":                 "--log-level trace debug",
	} {
		code, out, errOut := call(t, strings.Fields(line)...)
		if code != 2 || !names(errOut, want) || strings.Count(errOut, "\n") != 1 || out != "" {
			t.Errorf("%s: exit %d, %q, %q; want %q", line, code, out, errOut, want)
		}
	}
	if code, _, errOut := call(t, "serve", ""); code != 2 || !strings.Contains(errOut, "APP") {
		t.Errorf("an empty APP: exit %d, %q", code, errOut)
	}
}

// names says whether the text holds each of the names, which have spaces between them.
func names(text, list string) bool {
	for name := range strings.FieldsSeq(list) {
		if !strings.Contains(text, name) {
			return false
		}
	}
	return true
}

func TestCheck(t *testing.T) {
	project(t, "app.py", "bad.toml=[limits]\nmax_bdy = 1\n[[app]]\nworkers = 0\n", "good.toml=[[app]]\nname = \"shop\"\nmodule = \"shop.wsgi\"\nhosts = [\"a.org\"]\n")
	code, out, errOut := call(t, "check", "-k", "sync", "-w", "3")
	if code != 0 || !strings.HasPrefix(out, "ok ") || !names(out, "app.py workers 3") || errOut != "" {
		t.Errorf("exit %d, %q, %q", code, out, errOut)
	}
	for line, want := range map[string]string{"-k gevent": "1000", "-k gevent --gevent 7": "7", "-k gevent --worker-connections 9": "9", "--gevent 5": "5"} {
		if code, out, errOut := call(t, append([]string{"config"}, strings.Fields(line)...)...); code != 0 || !regexp.MustCompile(`gevent\s+=? *`+want+`\b`).MatchString(out) {
			t.Errorf("%s: exit %d, %q, %q", line, code, out, errOut)
		}
	}
	code, out, _ = call(t, "check", "-c", "good.toml")
	if code != 0 || !names(out, "good.toml shop shop.wsgi a.org /") {
		t.Errorf("exit %d, %q", code, out)
	}
	code, out, errOut = call(t, "check", "-c", "bad.toml", "-t", "x")
	if code != 2 || out != "" || strings.Count(errOut, "\n  ") != 3 || !names(errOut, "bad.toml:2 bad.toml:4 -t") {
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
	code, out, _ := call(t, "serve", "--help", "all")
	if code != 0 || !strings.Contains(out, "standpipe serve shop.wsgi:application -w 4") {
		t.Errorf("exit %d, %q", code, out)
	}
	// Each flag: what its value is, its variable, whether it may be given again.
	for _, want := range []string{
		"   -w, --workers N|A..B or APP=N|A..B           STANDPIPE_WORKERS, repeatable\n",
		"   --max-body SIZE                              STANDPIPE_MAX_BODY\n", "(default: 100MiB)\n",
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
		if code, out, _ := call(t, command, "--help", "all"); code != 0 || !strings.Contains(out, "STANDPIPE_WORKERS, repeatable") || !strings.Contains(out, "   --json\n") {
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
