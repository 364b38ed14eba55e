// Package tune sets Go's run-time for a server beside Python workers: cores, garbage
// collection, threads, and the CPU profile for developers.
//
//	tune.go       Start applies all of it, and returns what ends it
//	cores.go      the number of cores that Go uses (GOMAXPROCS), by what it fills
//	cores_linux.go, cores_other.go      what the process and the machine use
//	collector.go  the pace of garbage collection (GOGC) and the memory limit (GOMEMLIMIT)
//	threads.go    the threads that are created in advance
//	threads_linux.go, threads_other.go  how many tasks may still be created
//	profile.go    a CPU profile in a file
//
// GOMAXPROCS, GOGC and GOMEMLIMIT in the environment take the place of the first two.
//
// Fixed values would be simpler, and were measured: two cores, two workers, 32 clients,
// 12 to 15 interleaved rounds, medians of the ratios to what this package does:
//
//	                          hello: requests/s  Go's CPU time per request
//	GOMAXPROCS=2 (Go's own)          0.98              1.17
//	GOMAXPROCS=1                     1.12              0.89
//	GOMAXPROCS=2 GOGC=100            0.89              1.15
//	GOMAXPROCS=2 GOGC=400            0.98              1.15
//
// So the default of Go costs a sixth more processor time, which the workers miss; one core
// is best here, and cannot be fixed, because a larger machine needs more. GOGC=400 is
// as fast as the pace, but lets a large heap grow fivefold.
//
// One goroutine follows the cores; the function that Start returns ends it and waits.
package tune
