package integration

import (
	"bufio"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// Where stderr is the stream to journald that JOURNAL_STREAM names, each line has its priority; elsewhere none has.
func TestFault_A7_JournaldPriorities(t *testing.T) {
	t.Parallel()
	// In one write: a busy machine may take long between two, and then the lines are no longer one record.
	app := "import sys, traceback\ntry:\n    raise ValueError('no')\nexcept ValueError:\n    sys.stderr.write(traceback.format_exc())\n" + hello("a")
	dir := project(t, map[string]string{"app.py": app})
	for _, c := range []struct {
		name, format string
		matches      bool
	}{{"journald, JSON", "json", true}, {"journald, text", "text", true}, {"another stream", "json", false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, w := pipe(t)
			defer r.Close()
			info, err := w.Stat()
			if err != nil {
				t.Fatal(err)
			}
			stat := info.Sys().(*syscall.Stat_t)
			inode := stat.Ino
			if !c.matches {
				inode++
			}
			cmd := exec.Command(built.binary, "serve", "app:app", "-w", "1", "-b", "127.0.0.1:0", "--log-format", c.format)
			cmd.Dir, cmd.Stderr = dir, w
			cmd.Env = append(cleanEnv(t), fmt.Sprintf("JOURNAL_STREAM=%d:%d", stat.Dev, inode))
			err = cmd.Start()
			w.Close()
			if err != nil {
				t.Fatal(err)
			}
			stopped := false
			t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
			traced := false
			banner := regexp.MustCompile(`^(standpipe |  [^|])`) // text for people, not a record
			for scan := bufio.NewScanner(r); scan.Scan(); {
				line := scan.Text()
				prioritised := regexp.MustCompile(`^<[0-7]>`).MatchString(line)
				if prioritised != c.matches && !banner.MatchString(line) {
					t.Errorf("%s", line)
				}
				if strings.Contains(line, "ValueError") {
					if traced = true; c.matches && !strings.HasPrefix(line, "<3>") {
						t.Errorf("a traceback: %s", line)
					}
				}
				if traced && !stopped {
					stopped = true
					_ = cmd.Process.Signal(syscall.SIGTERM)
				}
			}
			if !traced {
				t.Error("no traceback")
			}
		})
	}
}
