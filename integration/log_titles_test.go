package integration

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// shown is what ps shows of a process: its arguments, and its short name.
func shown(t *testing.T, pid int) (args, short string) {
	t.Helper()
	a, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	c, err2 := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return strings.TrimRight(strings.ReplaceAll(string(a), "\x00", " "), " "), strings.TrimSuffix(string(c), "\n")
}

// ps shows which app and worker a process is, also of forked workers and their template, and the app does not see it.
func TestFault_A7_ProcessNames(t *testing.T) {
	t.Parallel()
	app := "import os, sys\ndef app(environ, start_response):\n    text = ('%d %r' % (os.getpid(), sys.argv)).encode()\n    start_response('200 OK', [('Content-Length', str(len(text)))])\n    return [text]\n"
	for _, preload := range []bool{false, true} {
		t.Run(fmt.Sprintf("preload=%v", preload), func(t *testing.T) {
			t.Parallel()
			args := []string{"-w", "1", "--app", "name=shop,module=app"}
			if preload {
				args = append(args, "--preload", "--log-level", "debug")
			}
			s := start(t, opts{Dir: project(t, map[string]string{"app.py": app}), Args: args})
			look := func(gen int) {
				t.Helper()
				var pid int
				r := s.want(200, "/")
				if _, err := fmt.Sscan(r.Body, &pid); err != nil {
					t.Fatal(err)
				}
				s.remember(pid)
				if strings.Contains(r.Body, "standpipe: ") {
					t.Errorf("the app sees it: %s", r.Body)
				}
				want := fmt.Sprintf("standpipe: shop/1 gen %d", gen)
				if args, short := shown(t, pid); !strings.HasSuffix(args, " "+want) || short != want[:15] {
					t.Errorf("worker: %q, %q", args, short)
				}
				if preload {
					var ready []record
					eventually(t, "the template has a record", func() bool { ready = s.events("template_ready"); return len(ready) == gen })
					var template int
					if _, err := fmt.Sscan(ready[len(ready)-1].str("pid"), &template); err != nil {
						t.Fatal(err)
					}
					if args, short := shown(t, template); !strings.HasSuffix(args, fmt.Sprintf(" standpipe: shop/template gen %d", gen)) || !strings.HasPrefix(short, "standpipe: shop") {
						t.Errorf("template: %q, %q", args, short)
					}
				}
			}
			look(1)
			if c := run(t, t.TempDir(), nil, "reload", "--control", s.waitEvent("control_socket").str("path")); c.code != 0 {
				t.Fatalf("reload: %d %s", c.code, c.errout)
			}
			look(2)
			if r := s.events("process_name"); len(r) > 0 {
				t.Errorf("%v", r)
			}
		})
	}
}
