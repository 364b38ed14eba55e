package process

import (
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Survivor is a process that an app has started and that has left its worker's group
// (setsid): the end of the worker does not end it.
type Survivor struct {
	Pid     int
	Command string // its command line, at most 200 bytes
}

// InheritOrphans makes orphans among the descendants of this process its children, so that Survivors can find them and
// ReapStrangers reaps them. Where the kernel cannot do that, orphans become children of init.
func InheritOrphans() { _ = becomeSubreaper() }

// survivorsWait is how long Survivors waits for the end of processes that were killed.
const survivorsWait = 500 * time.Millisecond

// Survivors lists the children of this process that no goroutine waits for: what the workers that have ended left behind. It
// does not name the children of a survivor, and at most 20 processes.
func Survivors() []Survivor {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	over := time.After(survivorsWait)
	for {
		list := strangers()
		if len(list) == 0 {
			return nil
		}
		select {
		case <-ended:
		case <-over:
			return list
		}
	}
}

func strangers() []Survivor {
	var list []Survivor
	own := strconv.Itoa(os.Getpid())
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || children.has(pid) {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue
		}
		behind := strings.LastIndex(string(stat), ") ") // the process chooses the name before it
		if behind < 0 {
			continue
		}
		name, f := string(stat[:behind]), strings.Fields(string(stat[behind+2:]))
		if len(f) < 2 || f[1] != own || f[0] == "Z" || f[0] == "X" {
			continue
		}
		command, _ := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		text := strings.TrimSpace(strings.ReplaceAll(string(command), "\x00", " "))
		if text == "" {
			_, text, _ = strings.Cut(name, "(")
		}
		if list = append(list, Survivor{pid, strings.ToValidUTF8(text[:min(len(text), 200)], "?")}); len(list) == 20 {
			break
		}
	}
	return list
}
