// Package inherit keeps what standpipe inherits from its parent to itself: inherit_unix.go marks
// descriptors close-on-exec (inherit_linux.go and inherit_otherunix.go: in one call, or one by
// one), inherit_windows.go does nothing. No goroutines.
package inherit
