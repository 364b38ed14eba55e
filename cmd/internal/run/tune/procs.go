package tune

import (
	"os"
	"runtime"

	"github.com/standpipe/standpipe/bridge/cpu"
)

// cores are those that the process may use (the limit of a control group counts); 0: GOMAXPROCS sets the number of Ps.
// The number does not change afterwards, even if the limit does.
var cores int

// fixProcs sets the number of Ps to what procsFor says. GOMAXPROCS in the environment takes its place.
func fixProcs(l Load) {
	if cores = 0; os.Getenv("GOMAXPROCS") == "" {
		cores = runtime.GOMAXPROCS(0)
		cpu.Procs(procsFor(cores, l))
	}
}

// Changed sets the number of Ps for another kind of load, after a reload.
func Changed(l Load) {
	if cores > 0 {
		usual, _ := procsFor(cores, l)
		cpu.Usual(usual)
	}
}

// procsFor is how many Ps there are: half of the cores beside apps, whose workers need the others, and all of them for a
// process that mostly forwards requests to other servers; as many as the cores, at least two, while goroutines compute for
// long (package bridge/cpu).
func procsFor(cores int, l Load) (usual, most int) {
	if usual = max(cores/2, 1); l == Forwarding {
		usual = cores
	}
	return usual, max(cores, 2)
}
