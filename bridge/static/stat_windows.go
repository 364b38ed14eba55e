package static

import "io/fs"

const nonBlocking = 0

// Windows keeps neither where it can be had cheaply, and lets nobody remove a file
// that is open.
func changed(fs.FileInfo) int64 { return 0 }

func links(fs.FileInfo) uint64 { return 1 }

func owner(fs.FileInfo) int64 { return -1 }
