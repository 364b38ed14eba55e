// Package tune sets Go's run-time for a server beside Python workers: cores, garbage
// collection, threads, and the CPU profile for developers.
//
//	tune.go       Start applies all of it, and returns what ends it
//	cores.go      the number of cores that Go uses (GOMAXPROCS), by what it fills
//	cores_linux.go, cores_other.go      what the process and the machine use
//	collector.go  fixed: the growth of the heap (GOGC) and the memory limit (GOMEMLIMIT)
//	threads.go    the threads that are created in advance
//	threads_linux.go, threads_other.go  how many tasks may still be created
//	profile.go    a CPU profile in a file
//
// GOMAXPROCS, GOGC and GOMEMLIMIT in the environment take the place of the first two.
//
// # Numbers
//
// A fixed number of cores would be simpler. It was measured on two cores with two workers and
// 32 clients, in 12 interleaved rounds on a busy machine; medians of the ratios to cores.go:
//
//	               hello: requests/s  Go's CPU time    Flask: requests/s  Go's CPU time
//	GOMAXPROCS=2          0.98            1.17                0.96            1.05
//	GOMAXPROCS=1          1.12            0.89                0.94            1.11
//
// Two cores, which are Go's default there, cost a sixth more of the time that the workers
// need, and one is too few for Flask. So the number follows the load, until the server
// wakes fewer threads per request.
//
// GOGC needs no pace: with 100, 200 and 400 to 100 (which followed the live heap) the CPU
// time of all processes per request was 1.05, 1.01 and 1.00 in 30 rounds, in which two
// equal servers differed by 1.05.
//
// # Goroutines
//
// One goroutine follows the cores; the function that Start returns ends it and waits.
package tune
