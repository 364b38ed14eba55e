package config

import "runtime"

// Measure reads the limits of this machine. There is no limit of open files, and no root.
func Measure() Machine { return Machine{CPUs: runtime.NumCPU(), UID: -1, GID: -1} }

// writable: the first file will tell.
func writable(string) bool { return true }
