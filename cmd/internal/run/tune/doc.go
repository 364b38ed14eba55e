// Package tune sets Go's run-time for a server beside Python workers: Ps, garbage
// collection, threads, and the CPU profile for developers.
//
//	tune.go       Start applies all of it; Load: what the server does most
//	procs.go      the number of Ps, which run Go code at the same time (GOMAXPROCS)
//	collector.go  fixed: the growth of the heap (GOGC) and the memory limit (GOMEMLIMIT)
//	threads.go    the threads that are created in advance
//	threads_linux.go, threads_other.go  how many tasks may still be created
//	profile.go    a CPU profile in a file
//
// GOMAXPROCS, GOGC and GOMEMLIMIT in the environment take the place of the first two.
//
// # Numbers
//
// On two cores, two Ps cost more of Go's CPU time than one, because a goroutine that becomes
// ready wakes another thread. Go's us of a hello at 1,000/s, 4,000/s and 15,000/s (medians of
// three interleaved rounds with bridge/http1), and requests/s of 32 clients:
//
//	1 P    122   89  42   31,600
//	2 Ps   139  121  38   25,200
//	3 Ps   151  110  41
//
// One P alone is no choice: while a goroutine computes on it, all requests wait for up to 10 ms
// at a time. So there is one P for two cores until a goroutine asks to compute for long, and
// then one for each core, before it begins. A number that follows the load was one when
// compression began.
//
// A server without apps that forwards requests has a P for each core, as nginx has a worker for each: nothing beside it needs them.
// With its clients and upstreams on the same two cores that brings 0 to 15 % more requests/s, and costs up to a sixth
// more processor time for each at 2,000/s to 16,000/s.
//
// GOGC needs no pace: with 100, 200 and 400 to 100 (which followed the live heap) the CPU
// time of all processes per request was 1.05, 1.01 and 1.00 in 30 rounds, in which two
// equal servers differed by 1.05.
//
// The package starts no goroutine that outlives Start.
package tune
