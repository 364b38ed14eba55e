package process

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// zombies counts the children of this process that have ended and that were not reaped.
func zombies(t *testing.T) (n int) {
	t.Helper()
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		b, err := os.ReadFile("/proc/" + d.Name() + "/stat")
		if err != nil {
			continue
		}
		s := string(b)
		f := strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
		if len(f) > 2 && f[0] == "Z" && f[1] == fmt.Sprint(os.Getpid()) {
			n++
		}
	}
	return n
}

// Strangers are reaped; no wait for a child of ours is stolen, however short its life.
func TestReapStrangers(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) }()
	stop := ReapStrangers()
	defer stop()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 25 {
				// Two orphans each time: one that has ended before its parent, one that ends after it.
				cmd := exec.Command("sh", "-c", fmt.Sprintf("(true &) ; (sleep 0.05 &) ; exit %d", i))
				err := Track(func() (int, error) {
					if err := cmd.Start(); err != nil {
						return 0, err
					}
					return cmd.Process.Pid, nil
				})
				if err != nil {
					t.Error(err)
					return
				}
				if err := cmd.Wait(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != i {
					t.Errorf("the wait for a child of ours: %v, want status %d", err, i)
				}
				Untrack(cmd.Process.Pid)
			}
		})
	}
	wg.Wait()
	for deadline := time.Now().Add(2 * time.Minute); zombies(t) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d zombies are left", zombies(t))
		}
	}
	stop()
	if len(children.pids) != 0 {
		t.Errorf("the table still holds %v", children.pids)
	}
}
