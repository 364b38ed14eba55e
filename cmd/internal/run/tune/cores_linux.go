package tune

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// coresMeter returns a function that measures since its last call; nil: there is no
// /proc/stat. In a container /proc/stat is the host's, so the bound is what the process may
// have (GOMAXPROCS counts the limit of a control group).
func coresMeter() func() sample {
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
			if err != nil || i > 8 { // the name; the columns after steal are counted in user already
				continue
			}
			all += ticks
			if i == 4 || i == 5 { // idle, and iowait
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
	idle0, all0 := read()
	used0, at0 := own(), time.Now()
	if all0 == 0 {
		f.Close()
		return nil
	}
	return func() sample {
		idle, all := read()
		used, at := own(), time.Now()
		c := sample{used: float64(used-used0) / float64(max(at.Sub(at0), 1))}
		if all > all0 {
			c.idle = (idle - idle0) / (all - all0) * count
		}
		idle0, all0, used0, at0 = idle, all, used, at
		return c
	}
}
