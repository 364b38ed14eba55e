// Package monitor keeps figures of the last hour for `standpipe top` and the dashboard, in bounded memory and at all times.
//
// Observe counts each request that is answered: numbers that only grow, and a histogram of each part of its time. Once a second Run
// takes a look at these numbers: the rates and quantiles of Figures are the difference between the present and the look ten seconds
// ago, and each fifth look makes a step of History, together with what the pools tell. Requests that run are asked of the pools.
//
//	types.go      Figures, History: what it tells
//	monitor.go    Monitor: Run, Figures
//	observe.go    Observe: where a request is counted
//	histogram.go  histograms and their quantiles
//	source.go     the numbers of one app, and the looks at them
//	history.go    the last hour in steps
//	workers.go    sizes and processor times of workers
//	slow.go       requests beyond the threshold
//	marks.go      what happened
//	kept.go       what the process of an upgrade gets
//
// Memory: 5 KB for each app, as much for each of the last ten seconds in which it had a request, and 35 KB for its hour; at most 68 of
// these; 100 slow requests, 500 marks.
//
// No goroutines: its owner runs Run, until the context ends.
package monitor
