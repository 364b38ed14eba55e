package config

import "runtime"

// Measure looks at this machine. There is no limit of open files to respect.
func Measure() Machine { return Machine{CPUs: runtime.NumCPU()} }
