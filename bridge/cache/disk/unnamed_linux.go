package disk

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// openUnnamed makes a file without a name in the file system of dir. errors.ErrUnsupported: it has
// no such files, or they could not get a name.
func openUnnamed(dir *os.File) (*os.File, error) {
	fd, err := unix.Openat(int(dir.Fd()), ".", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, fileMode)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) || errors.Is(err, unix.EINVAL) {
		return nil, errors.ErrUnsupported
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir.Name(), Err: err}
	}
	if unix.Faccessat(unix.AT_FDCWD, descriptor(fd), unix.F_OK, 0) != nil { // no /proc
		unix.Close(fd)
		return nil, errors.ErrUnsupported
	}
	return os.NewFile(uintptr(fd), dir.Name()+"/(unnamed)"), nil
}

// linkUnnamed gives a file of openUnnamed a name in dir.
func linkUnnamed(f, dir *os.File, name string) error {
	err := unix.Linkat(unix.AT_FDCWD, descriptor(int(f.Fd())), int(dir.Fd()), name, unix.AT_SYMLINK_FOLLOW)
	if err != nil {
		return &os.LinkError{Op: "link", Old: f.Name(), New: name, Err: err}
	}
	return nil
}

func descriptor(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// unnamed reports whether f has no name, in the file system of dir.
func unnamed(f *os.File, dir fs.FileInfo) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	of, ok2 := dir.Sys().(*syscall.Stat_t)
	return ok && ok2 && st.Nlink == 0 && st.Dev == of.Dev
}
