package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/standpipe/standpipe/cmd/internal/admin"
	"github.com/standpipe/standpipe/cmd/internal/admin/client"
	"github.com/standpipe/standpipe/cmd/internal/terminal"
)

// Each command has its help, its number of arguments, and an end with a sentence where nothing runs.
func TestControlCommands(t *testing.T) {
	dir, err := os.MkdirTemp("", "sp")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for _, v := range []string{"XDG_RUNTIME_DIR", "TMPDIR", "RUNTIME_DIRECTORY"} {
		t.Setenv(v, dir)
	}
	for _, v := range []string{"STANDPIPE_CONTROL", "STANDPIPE_RUNTIME_DIR"} {
		t.Setenv(v, "")
	}
	nowhere := "--control=" + dir + "/none.sock"
	for _, c := range []struct {
		line, says string
		code       int
	}{
		{"status " + nowhere, "none.sock: ", 1}, {"reload shop " + nowhere, "none.sock: ", 1}, {"scale shop=8 " + nowhere, "none.sock: ", 1},
		{"restart", "standpipe restart APP/N", 2}, {"dump", "standpipe dump APP/N", 2},
		{"scale", "standpipe scale APP=N", 2}, {"scale x " + nowhere, `"x"`, 2}, {"scale shop=0 " + nowhere, `"shop=0"`, 2},
		{"stop shop", "stop", 2}, {"status a b", "status", 2}, {"log-level", "standpipe log-level trace|debug|info|warn|error", 2},
		{"status --control=off", "--control", 2}, {"reload --workers 3", "--workers", 2}, {"statsu", "status", 2},
		{"certs " + nowhere, "none.sock: ", 1}, {"certs renew shop.test " + nowhere, "none.sock: ", 1}, {"certs renew", "certs renew NAME", 2}, {"certs shop.test " + nowhere, "certs renew NAME", 2},
		{"reload --help", "--control SOCKET", 0}, {"status --help", "--json", 0},
	} {
		code, out, errOut := call(t, strings.Fields(c.line)...)
		if code != c.code || !strings.Contains(out+errOut, c.says) {
			t.Errorf("%s: exit %d %q; want %d %q", c.line, code, out+errOut, c.code, c.says)
		}
	}
	for _, c := range controlCommands() {
		if code, out, _ := call(t, c.Name, "--help"); code != 0 || strings.Contains(out, "--workers") || !strings.Contains(out, "STANDPIPE_CONTROL") {
			t.Errorf("%s --help: exit %d\n%s", c.Name, code, out)
		}
	}
}

// What a client has sent cannot steer the terminal of who looks.
func TestPrintStatus(t *testing.T) {
	st := &admin.Status{Version: "1", Pid: 5, Started: time.Now().Add(-90 * time.Minute), Addresses: []string{"http://x"}, Apps: []admin.App{{
		Name: "shop", Generation: 7, Workers: 4, Ready: 3, Idle: 2, Busy: 1, BackingOff: 1, Surplus: 1, Waiting: 2, Oldest: 3, Paused: true, QueueFull: 6, Served: 9,
		FailedReload: &admin.Failure{Sentence: "reload of \"shop\" failed\x1b[31m", Traceback: "..."},
		Processes: []admin.Worker{{Name: "shop/1", Pid: 11, State: "serving", Up: 5, RSS: 3 << 20, Due: "max_rss",
			Requests: []admin.Request{{Method: "GET", Target: "/\x1b]0;x\x07" + strings.Repeat("y", 100), Seconds: 61}, {}, {}, {}, {}}}},
	}}}
	var b bytes.Buffer
	if err := printStatus(&b, st, terminal.Paint{}); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	for _, want := range []string{"pid 5 ", "1h30m", "http://x", "shop ", "generation 7 ", "3/4", "3.0s", "reload of \"shop\" failed?[31m", "max_rss", "3MiB", "GET /?]0;x?yyy", "1m01s"} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, got)
		}
	}
	if strings.ContainsAny(got, "\x1b\x07") {
		t.Errorf("%q", got)
	}
	b.Reset()
	if _ = printStatus(&b, st, terminal.Paint{On: true}); !strings.Contains(b.String(), "\x1b[1mshop\x1b[0m") {
		t.Errorf("%q", b.String())
	}
}

// Which standpipe a command takes when none is named.
func TestChoose(t *testing.T) {
	at := func(path, folder string, users ...int) client.Instance {
		return client.Instance{Path: path, Users: users, Status: admin.Status{Folders: []string{"/nowhere", folder}}}
	}
	mine, theirs, far, farTheirs := at("mine", "/srv/a", 0), at("theirs", "/srv/a", 33), at("far", "/srv/b", 0), at("farTheirs", "/srv/b", 33)
	both := at("both", "/srv/a", 33, 0)
	for _, c := range []struct {
		list []client.Instance
		uid  int
		any  bool
		want string
	}{
		{nil, 0, true, ""},
		{[]client.Instance{mine, theirs, far, farTheirs}, 0, false, "mine"},
		{[]client.Instance{both, far}, 0, false, "both"},
		{[]client.Instance{mine, both}, 0, false, ""},
		{[]client.Instance{mine, both}, 0, true, ""},
		{[]client.Instance{theirs}, 0, false, ""},
		{[]client.Instance{theirs, far}, 0, true, "theirs"},
		{[]client.Instance{theirs}, 1000, false, "theirs"}, // which has let this user in
		{[]client.Instance{far}, 0, false, ""},
		{[]client.Instance{far}, 0, true, "far"},
		{[]client.Instance{far, farTheirs}, 0, true, "far"},
		{[]client.Instance{farTheirs}, 0, true, "farTheirs"},
		{[]client.Instance{farTheirs, farTheirs}, 0, true, ""},
	} {
		got := ""
		if i := choose(c.list, "/srv/a", c.uid, c.any); i != nil {
			got = i.Path
		}
		if got != c.want {
			t.Errorf("%v, uid %d, any %v: %q, want %q", c.list, c.uid, c.any, got, c.want)
		}
	}
}

func TestFewOf(t *testing.T) {
	for _, c := range []struct {
		list []string
		want string
	}{{[]string{"a"}, "a"}, {[]string{"a", "b", "c", "d"}, "a, b, c, d"}, {[]string{"a", "b", "c", "d", "e"}, "a, b, c and 2 more"}} {
		if got := fewOf(c.list); got != c.want {
			t.Errorf("%q: %q", c.list, got)
		}
	}
}
