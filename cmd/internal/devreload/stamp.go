package devreload

import "os"

// stamp is what tells a file from what it was before.
type stamp struct {
	size   int64
	mtime  int64  // Unix nanoseconds
	ctime  int64  // of its inode's last change, where the system knows it: a rename keeps mtime; else 0
	folder uint64 // of a folder, which a link may name: its inode, and nothing else
	gone   bool   // it does not exist
}

// stampOf looks at a file. Links are followed.
func stampOf(path string) stamp {
	st, err := os.Stat(path)
	if err != nil {
		return stamp{gone: true}
	}
	ctime, inode := changeOf(st)
	if st.IsDir() {
		return stamp{folder: inode}
	}
	return stamp{size: st.Size(), mtime: st.ModTime().UnixNano(), ctime: ctime}
}

// changed is when the file was changed last, Unix nanoseconds; 0: it is not known.
func (s stamp) changed() int64 { return max(s.mtime, s.ctime) }
