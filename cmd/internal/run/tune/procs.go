package tune

import (
	"os"
	"runtime"

	"github.com/standpipe/standpipe/bridge/cpu"
)

// fixProcs sets the number of Ps: half of the cores that the process may use (the limit of a
// control group counts), because the workers need the others, and as many as the cores, at
// least two, while goroutines compute for long (package bridge/cpu). GOMAXPROCS takes their
// place. The numbers do not change afterwards, even if the limit does.
func fixProcs() {
	if os.Getenv("GOMAXPROCS") == "" {
		cpu.Procs(procsFor(runtime.GOMAXPROCS(0)))
	}
}

func procsFor(cores int) (usual, most int) { return max(cores/2, 1), max(cores, 2) }
