package systemd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// manager is a service manager that keeps what it hears, in order.
type manager struct {
	*net.UnixConn
	t *testing.T
}

func newManager(t *testing.T, address string) *manager {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &manager{c, t}
}

// hear is the next message.
func (m *manager) hear() string {
	m.t.Helper()
	b := make([]byte, 4096)
	_ = m.SetReadDeadline(time.Now().Add(2 * time.Minute))
	n, err := m.Read(b)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(b[:n])
}

func (m *manager) want(text string) {
	m.t.Helper()
	if got := m.hear(); got != text {
		m.t.Errorf("%q, want %q", got, text)
	}
}

// silence fails if there is an unread message. Messages are in the socket when send returns.
func (m *manager) silence() {
	m.t.Helper()
	_ = m.SetReadDeadline(time.Now().Add(time.Millisecond))
	b := make([]byte, 4096)
	if n, err := m.Read(b); err == nil {
		m.t.Errorf("there is one more message: %q", b[:n])
	}
}

func open(t *testing.T, env map[string]string) *Notifier {
	return Open(func(k string) string { return env[k] }, 42, func(err error) { t.Error(err) })
}

func TestMessages(t *testing.T) {
	for _, address := range []string{filepath.Join(t.TempDir(), "s"), fmt.Sprintf("@standpipe-test-%d", os.Getpid())} {
		m := newManager(t, address)
		n := open(t, map[string]string{"NOTIFY_SOCKET": address})
		const more = "EXTEND_TIMEOUT_USEC=30000000"
		n.Starting()
		m.want(more)
		n.Ready()
		m.want("READY=1")
		n.Status("two\nlines")
		m.want("STATUS=two lines")
		n.Status("two\nlines")

		before := monotonic()
		first := n.Reloading()
		var at int64
		if _, err := fmt.Sscanf(m.hear(), "RELOADING=1\nMONOTONIC_USEC=%d\n"+more, &at); err != nil || at < before || at > monotonic() {
			t.Errorf("%d is not from %d on: %v", at, before, err)
		}
		second := n.Reloading() // a manager that has asked meanwhile wants a time after that
		if _, err := fmt.Sscanf(m.hear(), "RELOADING=1\nMONOTONIC_USEC=%d", &before); err != nil || before < at {
			t.Errorf("%d is not from %d on: %v", before, at, err)
		}
		first()
		first()
		m.silence()
		second()
		m.want("READY=1")

		n.Stopping()
		m.want("STOPPING=1\n" + more)
		n.HandOver(4711)
		m.want("MAINPID=4711")
		n.Stopping()
		n.Status("not mine any more")
		m.silence()
	}
}

func TestNobodyListens(t *testing.T) {
	n := open(t, nil)
	if n != nil {
		t.Fatal("a Notifier without a socket")
	}
	n.Starting()
	n.Ready()
	n.Reloading()()
	n.Stopping()
	n.Status("x")
	n.HandOver(1)
	n.Loop(t.Context(), Watch{})
}

// A manager that is gone is reported once, and does no harm.
func TestManagerGone(t *testing.T) {
	told := 0
	for _, address := range []string{filepath.Join(t.TempDir(), "nobody"), "vsock:2:1234"} {
		n := Open(func(k string) string { return map[string]string{"NOTIFY_SOCKET": address}[k] }, 1, func(error) { told++ })
		n.Starting()
		n.Ready()
		if told != 1 {
			t.Errorf("%s: told %d times", address, told)
		}
		told = 0
	}
}

func TestWatchdogTime(t *testing.T) {
	for _, c := range []struct {
		usec, pid string
		want      time.Duration
	}{
		{"2000000", "", 2 * time.Second}, {"2000000", "42", 2 * time.Second}, {"2000000", "41", 0},
		{"", "", 0}, {"0", "", 0}, {"-5", "", 0}, {"x", "", 0}, {"99999999999999999999", "", 0},
	} {
		n := open(t, map[string]string{"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": c.usec, "WATCHDOG_PID": c.pid})
		if n.watchdog != c.want {
			t.Errorf("%+v: %v", c, n.watchdog)
		}
	}
}

// The watchdog is fed while the service is healthy, is not when it is not, and is again.
func TestWatchdog(t *testing.T) {
	address := filepath.Join(t.TempDir(), "s")
	m := newManager(t, address)
	n := open(t, map[string]string{"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "20000"})
	var sick, served atomic.Bool
	told := make(chan error, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.Loop(ctx, Watch{
			Status: func() string { return fmt.Sprint("served ", served.Load()) },
			Healthy: func(ctx context.Context) error {
				if sick.Load() {
					<-ctx.Done() // stuck
					return errors.New("stuck")
				}
				return nil
			},
			Sick: func(err error) { told <- err },
		})
	}()
	m.want("WATCHDOG=1")
	m.want("STATUS=served false")
	m.want("WATCHDOG=1")
	m.want("WATCHDOG=1")
	sick.Store(true)
	if err := <-told; err == nil {
		t.Error("no reason")
	}
	for { // what was sent before
		_ = m.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := m.Read(make([]byte, 100)); err != nil {
			break
		}
	}
	_ = m.SetReadDeadline(time.Now().Add(200 * time.Millisecond)) // ten times its time
	b := make([]byte, 100)
	if k, err := m.Read(b); err == nil && strings.HasPrefix(string(b[:k]), "WATCHDOG") {
		t.Errorf("%q while the service is sick", b[:k])
	}
	sick.Store(false)
	for got := ""; got != "WATCHDOG=1"; got = m.hear() {
	}
	if len(told) > 0 {
		t.Errorf("told again: %v", <-told)
	}
	cancel()
	<-done
}
