package tune

import (
	"os"
	"runtime"
	"time"
)

// Go wakes a thread for nearly every goroutine that becomes ready while a core is free, and
// lets it search for work for a while. Beside Python workers, which need the cores, this
// costs more than it gains (the numbers are in doc.go). So the process uses as many cores as
// it fills, and takes a further one only when it has filled those and the machine has one
// to spare.
const (
	sampleBusy   = 100 * time.Millisecond // between samples under load
	sampleIdle   = time.Second            // between samples with hardly any load
	samplesMore  = 2                      // in a row with too much load before there are more cores
	samplesLess  = 10                     // in a row with too little load before there is one less
	samplesTaken = 3                      // likewise while the machine has no free core
)

// sample is how many cores were busy with this process, and idle, since the last sample.
type sample struct{ used, idle float64 }

// governor decides how many cores the process uses.
type governor struct {
	most               int
	more, less, others int // samples in a row
}

// next is the number of cores after a sample; now is the number before it.
func (g *governor) next(now int, c sample) int {
	switch {
	case c.used > 0.85*float64(now) && c.idle > 0.25:
		g.less, g.others = 0, 0
		if g.more++; g.more >= samplesMore {
			g.more = 0
			return min(2*now, g.most)
		}
		return now
	case c.used < 0.7*float64(now-1):
		g.less++
	default:
		g.less = 0
	}
	g.more = 0
	if c.idle < 0.1 && c.used < 0.85*float64(now) { // other processes need cores that this one does not fill
		g.others++
	} else {
		g.others = 0
	}
	if now > 1 && (g.less >= samplesLess || g.others >= samplesTaken) {
		g.less, g.others = 0, 0
		return now - 1
	}
	return now
}

// paceCores starts the goroutine that follows the load; stop ends it and waits. There is
// none with GOMAXPROCS in the environment, on one core, and where the load of the machine
// cannot be read.
func paceCores() (stop func()) {
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
		g := governor{most: most}
		timer := time.NewTimer(sampleBusy)
		defer timer.Stop()
		for {
			select {
			case <-timer.C:
			case <-quit:
				return
			}
			c := look()
			if n := g.next(now, c); n != now {
				now = n
				runtime.GOMAXPROCS(now)
			}
			if now == 1 && c.used < 0.2 {
				timer.Reset(sampleIdle)
			} else {
				timer.Reset(sampleBusy)
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}
