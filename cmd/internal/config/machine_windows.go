package config

import "runtime"

// Measure looks at this machine. There is no limit of open files to respect, and nobody is root.
func Measure() Machine { return Machine{CPUs: runtime.NumCPU(), UID: -1, GID: -1} }
