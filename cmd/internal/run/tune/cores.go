package main

import (
	"os"
	"runtime"
	"time"
)

// Go wakes a thread for nearly every goroutine that becomes ready while a core is free,
// and lets it look for work for a while. Beside Python workers that want the cores this
// costs more than it brings: on two cores a hello took a quarter more processor time
// with two than with one. So the process runs on as many cores as it fills, and takes a
// further one only when it has filled those that it has and the machine has one to spare.
const (
	procsLook = 100 * time.Millisecond // while there is load
	procsRest = time.Second            // while there is hardly any
	procsMore = 2                      // looks with too much load before there are more
	procsCalm = 10                     // looks with too little load before one core is given up
	procsFull = 3                      // likewise while the machine has none to spare
)

// cores is what a look has found, in cores that were busy or idle since the last one.
type cores struct{ used, idle float64 }

// procs says on how many cores the process is to run.
type procs struct {
	most             int
	want, calm, full int // looks in a row
}

// next is the number after a look, now before it.
func (p *procs) next(now int, c cores) int {
	switch {
	case c.used > 0.85*float64(now) && c.idle > 0.25:
		p.calm, p.full = 0, 0
		if p.want++; p.want >= procsMore {
			p.want = 0
			return min(2*now, p.most)
		}
		return now
	case c.used < 0.7*float64(now-1):
		p.calm++
	default:
		p.calm = 0
	}
	p.want = 0
	if c.idle < 0.1 && c.used < 0.85*float64(now) { // others want what this process has and does not fill
		p.full++
	} else {
		p.full = 0
	}
	if now > 1 && (p.calm >= procsCalm || p.full >= procsFull) {
		p.calm, p.full = 0, 0
		return now - 1
	}
	return now
}

// paceProcs starts the pace; stop ends it and waits. With GOMAXPROCS in the environment,
// on one core, and where the machine's load cannot be read, there is none.
func paceProcs() (stop func()) {
	most := runtime.GOMAXPROCS(0)
	look := coresMeter()
	if os.Getenv("GOMAXPROCS") != "" || most < 2 || look == nil {
		return func() {}
	}
	now := 1
	runtime.GOMAXPROCS(now)
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		p := procs{most: most}
		timer := time.NewTimer(procsLook)
		defer timer.Stop()
		for {
			select {
			case <-timer.C:
			case <-quit:
				return
			}
			c := look()
			if n := p.next(now, c); n != now {
				now = n
				runtime.GOMAXPROCS(now)
			}
			if now == 1 && c.used < 0.2 {
				timer.Reset(procsRest)
			} else {
				timer.Reset(procsLook)
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}
