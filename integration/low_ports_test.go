package integration

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// lowPort is a free port that only root, or a program with the capability, may listen on.
func lowPort(t testing.TB) int {
	t.Helper()
	first := 1024
	if b, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start"); err == nil {
		first, _ = strconv.Atoi(strings.TrimSpace(string(b)))
	}
	for n := min(first, 1024) - 1; n > 0; n-- {
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", n)); err == nil {
			l.Close()
			return n
		}
	}
	skip(t, "open-ports", "every user may listen on every port here")
	return 0
}

// A user who may not listen on a port is told the two ways out, and the command that is one of them works.
func TestLowPortIsNotPermitted(t *testing.T) {
	t.Parallel()
	needRoot(t)
	app := project(t, map[string]string{"app.py": hello("low")})
	binary := filepath.Join(app, "stand pipe")
	if out, err := exec.Command("install", "-m", "0755", built.binary, binary).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	port := lowPort(t)
	o := opts{Dir: app, Argv: []string{binary, "serve", "app:app"}, Bare: true, Identity: &syscall.Credential{Uid: nobody, Gid: nobody},
		Args: []string{"-b", fmt.Sprintf("127.0.0.1:%d", port), "-w", "1", "--python", systemPython(t), "--log-format", "json"}, NoWait: true, Exit: 4}
	s := start(t, o)
	code := s.wait()
	said := s.waitEvent("failed").str("message")
	command := regexp.MustCompile(`setcap '[a-z_]+=\+ep' '[^']+'`).FindString(said)
	if code != 4 || !strings.Contains(command, "'"+binary+"'") || !strings.Contains(said, fmt.Sprintf("ListenStream=%d", port)) {
		t.Fatalf("exit %d: %s", code, said)
	}
	if _, err := exec.LookPath("setcap"); err != nil {
		return // the sentence is all that can be tested
	}
	if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v %s", command, err, out)
	}
	o.NoWait, o.Exit = false, 0
	if r := start(t, o).get("/"); r.Status != 200 {
		t.Errorf("%d %.200s", r.Status, r.Body)
	}
}
