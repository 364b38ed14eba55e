package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/compose"
	"github.com/standpipe/standpipe/cmd/internal/config"
	"github.com/standpipe/standpipe/cmd/internal/journal"
	"github.com/standpipe/standpipe/supervisor"
)

const brokenB = "standpipe.toml=bind = \"127.0.0.1:0\"\n[[app]]\nname = \"a\"\nmodule = \"a\"\nworkers = 1\n" +
	"[[app]]\nname = \"b\"\nmodule = \"b\"\nmount = \"/b\"\nvenv = \"env\"\nworkers = 1\n"

// A missing interpreter of one of two apps is a configuration error for check and config. For serve it is an app that
// did not start: here the other one does not start either, so that serve ends by itself.
func TestServeWithBrokenApp(t *testing.T) {
	dir := project(t, brokenB)
	for _, command := range []string{"check", "config"} {
		code, _, errOut := call(t, command)
		if want := "venv " + dir + "/env"; code != 2 || !strings.Contains(errOut, want) {
			t.Errorf("%s: exit %d, %q; want %q", command, code, errOut, want)
		}
	}
	code, _, errOut := call(t, "serve", "--log-format", "text", "--runtime-dir", t.TempDir())
	for _, want := range []string{`"b"`, "venv " + dir + "/env", `"a"`} {
		if code != 3 || !strings.Contains(errOut, want) {
			t.Errorf("serve: exit %d, %s\nwant %q", code, errOut, want)
		}
	}
	if code, _, errOut := call(t, "serve", "--app", "name=b,module=b,venv=env"); code != 2 || !strings.Contains(errOut, dir+"/env") {
		t.Errorf("serve with one app: exit %d, %q", code, errOut)
	}
}

// Each spawn looks again, so that a venv that comes later heals the app.
func TestBrokenAppHeals(t *testing.T) {
	dir := project(t, brokenB)
	cfg, _, err := config.Load(config.Input{Environ: os.Environ(), Dir: dir, Pid: os.Getpid(), Tolerant: true})
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan supervisor.Event, 1000)
	cfg.Folders.Runtime = t.TempDir()
	pool := compose.LoadPool(cfg, &cfg.Apps[1], version, func(e supervisor.Event) { events <- e })
	pool.Start()
	defer pool.Stop(t.Context(), supervisor.Shutdown)
	deadline := time.After(2 * time.Minute)
	failed := false
	for {
		select {
		case e := <-events:
			switch e := e.(type) {
			case supervisor.BootFailure:
				if failed {
					continue
				}
				failed = true
				if got, want := journal.Sentence(&e), `app "b" did not start: venv `+dir+"/env does not exist"; got != want {
					t.Errorf("%q, want %q", got, want)
				}
				bin := filepath.Join(dir, "env/bin")
				if err := os.MkdirAll(bin, 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(bin, "python"), []byte("#!/bin/sh\nexit 7\n"), 0o755); err != nil {
					t.Fatal(err)
				}
			case supervisor.WorkerStarted:
				if !failed {
					t.Error("a worker started without a python")
				}
				return
			}
		case <-deadline:
			t.Fatal("no worker was started with the python that came")
		}
	}
}
