// Package inherit keeps the descriptors that standpipe inherits from its parent from its
// children.
//
//	inherit_unix.go     Close
//	inherit_linux.go    close_range(2)
//	inherit_otherunix.go, inherit_windows.go  other systems
package inherit
