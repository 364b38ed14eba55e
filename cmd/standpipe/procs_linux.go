package main

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// coresMeter returns a function that measures since its last call; nil: there is no
// /proc/stat. In a container that is the host's, so the bound is what the process may
// have (GOMAXPROCS counts a control group's limit).
func coresMeter() func() cores {
	f, err := os.Open("/proc/stat")
	if err != nil {
		return nil
	}
	buf := make([]byte, 256)
	read := func() (idle, all float64) {
		n, err := f.ReadAt(buf, 0)
		if n == 0 && err != nil {
			return 0, 0
		}
		line, _, _ := bytes.Cut(buf[:n], []byte("\n"))
		for i, word := range bytes.Fields(line) {
			ticks, err := strconv.ParseFloat(string(word), 64)
			if err != nil || i > 8 { // the name; what comes after steal is counted in user already
				continue
			}
			all += ticks
			if i == 4 || i == 5 { // idle, and waiting for a disk
				idle += ticks
			}
		}
		return idle, all
	}
	own := func() time.Duration {
		var u unix.Rusage
		if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
			return 0
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	count := float64(runtime.NumCPU())
	waited := waitMeter()
	idle0, all0 := read()
	used0, at0 := own(), time.Now()
	if all0 == 0 {
		f.Close()
		return nil
	}
	return func() cores {
		idle, all := read()
		used, at := own(), time.Now()
		passed := float64(max(at.Sub(at0), 1))
		c := cores{used: float64(used-used0) / passed, waits: float64(waited()) / passed}
		if all > all0 {
			c.idle = (idle - idle0) / (all - all0) * count
		}
		idle0, all0, used0, at0 = idle, all, used, at
		return c
	}
}

// waitMeter returns a function that tells how long the threads of this process have
// waited for a core since its last call; 0 where the kernel does not count that.
func waitMeter() func() time.Duration {
	const tasks = "/proc/self/task/"
	last := map[string]int64{}
	return func() (sum time.Duration) {
		list, err := os.ReadDir(tasks)
		if err != nil {
			return 0
		}
		now := make(map[string]int64, len(list))
		for _, task := range list {
			b, err := os.ReadFile(tasks + task.Name() + "/schedstat") // run, waited (ns), turns
			if err != nil {
				continue // it has ended
			}
			words := bytes.Fields(b)
			if len(words) < 2 {
				continue
			}
			waited, _ := strconv.ParseInt(string(words[1]), 10, 64)
			now[task.Name()] = waited
			if before, ok := last[task.Name()]; ok {
				sum += time.Duration(max(waited-before, 0))
			}
		}
		last = now
		return sum
	}
}
