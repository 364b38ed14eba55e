package integration

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestFault_C8_Survivors: a process that has left its worker's group outlives an orderly stop, and the stop names it.
func TestFault_C8_Survivors(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:application", Dir: project(t, map[string]string{"app.py": `
import subprocess


def application(environ, start_response):
    left = subprocess.Popen(["sleep", "86399"], start_new_session=True)
    killed = subprocess.Popen(["sleep", "86398"])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d %d" % (left.pid, killed.pid)]
`}), Args: []string{"-w", "2"}})
	var left, killed int
	if _, err := fmt.Sscan(s.want(200, "/").Body, &left, &killed); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(left, syscall.SIGKILL) })
	if code := s.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	got := s.events("processes_left")
	if len(got) != 1 || got[0].str("pids") != strconv.Itoa(left) || got[0].str("commands") != "sleep 86399" {
		t.Errorf("process %d is left, %d is not: %v", left, killed, got)
	}
	if syscall.Kill(left, 0) != nil {
		t.Error("it was killed")
	}
}

// TestFault_C8_NoSurvivors: a stop that leaves nobody says nothing.
func TestFault_C8_NoSurvivors(t *testing.T) {
	t.Parallel()
	s := start(t, opts{App: "app:application", Dir: project(t, map[string]string{"app.py": hello("x")}), NoWait: true, Exit: -1, Args: []string{"-w", "2"}})
	s.waitEvent("listening")
	s.stop()
	if got := s.events("processes_left"); len(got) > 0 {
		t.Errorf("%v", got)
	}
}

// TestFault_C8_ControlSocket: the start names the apps that can steer the server beside apps that are kept apart.
func TestFault_C8_ControlSocket(t *testing.T) {
	t.Parallel()
	s := twoUsers(t)
	if r := s.waitEvent("control_socket_shared"); r.str("apps") != "three" || strings.TrimSpace(r.str("apart")) != "one two" {
		t.Errorf("%v", r)
	}
}
