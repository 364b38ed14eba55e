package tune

import (
	"os"
	"runtime/pprof"
)

// Profile writes a CPU profile of the process to the file that STANDPIPE_CPUPROFILE
// names, for developers (make pgo). end ends it. After an upgrade the new process writes
// the same file.
func Profile() (end func(), err error) {
	name := os.Getenv("STANDPIPE_CPUPROFILE")
	if name == "" {
		return func() {}, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close()
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}, nil
}
