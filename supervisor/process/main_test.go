//go:build unix

package process

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary is a process that ignores SIGTERM when this variable is set.
const stubbornVar = "STANDPIPE_TEST_STUBBORN"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == confineArg {
		fmt.Fprintln(os.Stderr, RunConfined(os.Args[2:]))
		os.Exit(1)
	}
	if len(os.Args) > 1 && os.Args[1] == helperArg {
		_ = RunHelper()
		os.Exit(0)
	}
	if os.Getenv(stubbornVar) != "" {
		signal.Ignore(syscall.SIGTERM)
		time.Sleep(time.Hour)
	}
	os.Exit(m.Run())
}

func descriptors(t *testing.T) int {
	if r, w, err := os.Pipe(); err == nil { // the first one makes the poller, which has descriptors of its own
		r.Close()
		w.Close()
	}
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("SKIP[no-proc]: no /proc here")
	}
	return len(list)
}

// eventually waits until f holds.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("still not: " + what)
		}
	}
}

func TestNoSuchCommand(t *testing.T) {
	_, err := Exec{}.Spawn(Command{Args: []string{"/nonexistent/python3"}})
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "/nonexistent/python3") {
		t.Errorf("%v", err)
	}
}
