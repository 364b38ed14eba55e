package tune

import (
	"os"
	"runtime"
)

// leastProcs leaves a P free beside one that computes, on a single core too, where the kernel
// switches between their threads within milliseconds (package bridge/cpu).
const leastProcs = 2

// fixProcs sets the number of Ps to that of the cores that the process may use (the limit of
// a control group counts), and at least leastProcs. GOMAXPROCS takes its place. The number
// does not change afterwards, even if the limit does.
func fixProcs() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), leastProcs))
	}
}
