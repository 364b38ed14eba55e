package static

import "io/fs"

const nonBlocking = 0

// Windows has neither at low cost, and does not let an open file be removed.
func changed(fs.FileInfo) int64 { return 0 }

func links(fs.FileInfo) uint64 { return 1 }

func owner(fs.FileInfo) int64 { return -1 }
