// Package monitor keeps figures of the last hour for `standpipe top` and the dashboard.
//
//	types.go  Figures, History: what it tells
//
// No goroutines.
package monitor
