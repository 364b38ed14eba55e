//go:build !linux

package devreload

import "io/fs"

func changeOf(fs.FileInfo) (ctime int64, inode uint64) { return 0, 0 }
