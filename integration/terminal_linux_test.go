package integration

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// ptySession is a server on a terminal of its own: what a person would see and type.
type ptySession struct {
	t      testing.TB
	master *os.File
	cmd    *exec.Cmd
	url    string
	done   chan struct{} // the process has ended
	exit   int           // its status, after done

	mu   sync.Mutex
	text bytes.Buffer // all that came
	at   int          // up to there it was expected
}

// onTerminal starts argv in dir as the leader of a session with a new terminal.
func onTerminal(t testing.TB, dir string, env []string, argv ...string) *ptySession {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	var number, unlocked int32
	size := [4]uint16{24, 120} // rows, columns
	terminalCall(t, master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	terminalCall(t, master, syscall.TIOCGPTN, unsafe.Pointer(&number))
	terminalCall(t, master, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := &ptySession{t: t, master: master, done: make(chan struct{})}
	s.cmd = exec.Command(argv[0], argv[1:]...)
	s.cmd.Dir, s.cmd.Env = dir, append(append(cleanEnv(t), "TERM=xterm", "NO_COLOR=1"), env...)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = slave, slave, slave
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = s.cmd.Start()
	slave.Close()
	if err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the terminal
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			s.mu.Lock()
			s.text.Write(buf[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	go func() {
		err := s.cmd.Wait()
		s.exit = s.cmd.ProcessState.ExitCode()
		_ = err
		close(s.done)
	}()
	t.Cleanup(func() {
		select {
		case <-s.done:
		default:
			_ = s.cmd.Process.Signal(syscall.SIGTERM)
			select {
			case <-s.done:
			case <-time.After(20 * time.Second):
				_ = s.cmd.Process.Kill()
				<-s.done
			}
		}
		master.Close()
		if t.Failed() {
			t.Logf("the terminal:\n%s", s.all())
		}
	})
	return s
}

func (s *ptySession) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// find looks for a pattern in what came since the last expect.
func (s *ptySession) find(re *regexp.Regexp) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := s.text.String()[s.at:]
	at := re.FindStringSubmatchIndex(rest)
	if at == nil {
		return nil
	}
	groups := re.FindStringSubmatch(rest)
	s.at += at[1]
	return groups
}

// expect waits for a pattern, and returns its groups.
func (s *ptySession) expect(pattern string) []string {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	var got []string
	eventually(s.t, fmt.Sprintf("%q on the terminal, after %q", pattern, s.tail()), func() bool { got = s.find(re); return got != nil })
	return got
}

func (s *ptySession) tail() string {
	all := s.all()
	return all[max(0, len(all)-200):]
}

// keys types.
func (s *ptySession) keys(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.master, text); err != nil {
		s.t.Fatal(err)
	}
}

// interrupt types Ctrl-C until pattern comes: Python's readline misses a signal that comes in the moment before it waits.
func (s *ptySession) interrupt(pattern string) {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	last := time.Time{}
	eventually(s.t, pattern+" after Ctrl-C", func() bool {
		if time.Since(last) > time.Second {
			last = time.Now()
			s.keys("\x03")
		}
		return s.find(re) != nil
	})
}

// terminalCall makes an ioctl.
func terminalCall(t testing.TB, f *os.File, request uintptr, arg unsafe.Pointer) {
	t.Helper()
	raw, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var errno syscall.Errno
	_ = raw.Control(func(fd uintptr) { _, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(arg)) })
	if errno != 0 {
		t.Fatalf("ioctl %#x: %v", request, errno)
	}
}

// state are the terminal's modes and its foreground process group.
func (s *ptySession) state() (modes syscall.Termios, group int) {
	s.t.Helper()
	var is int32
	terminalCall(s.t, s.master, syscall.TCGETS, unsafe.Pointer(&modes))
	terminalCall(s.t, s.master, syscall.TIOCGPGRP, unsafe.Pointer(&is))
	return modes, int(is)
}

// answer is that of a request in the background.
type terminalAnswer struct {
	status int // 0: the connection was cut
	body   string
}

// get sends a request; its answer comes on the channel.
func (s *ptySession) get(path string) <-chan terminalAnswer {
	c := make(chan terminalAnswer, 1)
	go func() { // ends with the answer
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
		resp, err := client.Get(s.url + path)
		if err != nil {
			c <- terminalAnswer{}
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		c <- terminalAnswer{resp.StatusCode, string(body)}
	}()
	return c
}

// want waits for an answer.
func (s *ptySession) want(c <-chan terminalAnswer, status int, part string) {
	s.t.Helper()
	select {
	case a := <-c:
		if a.status != status || !strings.Contains(a.body, part) {
			s.t.Fatalf("%d %q, want %d with %q", a.status, a.body, status, part)
		}
	case <-time.After(patience):
		s.t.Fatal("no answer")
	}
}

// ended waits for the end of the process.
func (s *ptySession) ended(status int) {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(endPatience):
		s.t.Fatal("it does not end")
	}
	if s.exit != status {
		s.t.Errorf("status %d, want %d", s.exit, status)
	}
}
