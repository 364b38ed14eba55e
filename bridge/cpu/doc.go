// Package cpu bounds how many goroutines compute for long at the same time.
//
//	slot.go   Slot: one of the places of this process
//	yield.go  Yield: other goroutines go first
//
// Go's scheduler looks at the network when a P (a processor of the scheduler, of which there
// are GOMAXPROCS) has nothing to run, and else every 10 ms. When goroutines that compute hold
// all Ps, every request of every client waits as long. So code that computes for more than
// about 0.1 ms takes a slot: there are GOMAXPROCS-1, and one P always waits for the network.
// Work that takes longer than a millisecond or two is done in slices with a slot for each, so
// that all who wait get their share.
//
// # Numbers
//
// Two cores, hello over two connections beside none, one and two clients that fetch a page of
// 1.5 MB in gzip without pause: the median of p50, in ms, in several runs on a busy
// machine; a row compares with itself (integration/bench/cliff.py).
//
//	                                         none    one     two
//	no slots, 1 P (grows with the load)      0.20   11.8    55.0
//	no slots, 2 Ps                           0.22    0.22    2.7
//	no slots, 3 Ps                           0.22    0.20    0.38
//	2 Ps, 1 slot                             0.23    0.26    0.32
//	3 Ps, 2 slots                            0.31    0.77    1.6
//	1 P, 1 slot, pauses of 0.05 ms           0.20   10.5    22.1
//	1 P, 1 slot, pauses of 1 ms              0.25    0.36    1.6
//
// A P that is free is enough. Tried and not kept with 2 Ps: a pause after each slice (0.28,
// 0.49, 1.4), a thread at nice 5 for the holder of a slot (0.22, 0.31, 0.45).
//
// Yield without an end to it starves connections: a file of 1 KiB over 32 connections, one P, had a p99 of 8 to 10 ms (nginx 0.6 to 4),
// and 1.6 ms since every fifth round goes without, at the same 110,000 requests/s; a proxied hello 8, and 4 ms (nginx 2 to 4).
//
// While no slot is taken the process has fewer Ps (Procs, Usual): a second one that has nothing to run
// costs more than it gives, because each event wakes its thread. The number follows the kind
// of the work, not the load, so that a request never waits for a P to be added: it is added
// before the work begins.
//
// The package is a leaf that imports the standard library only. It starts no goroutine but
// that of a timer, which runs while there are more Ps than usual.
package cpu
