//go:build unix

package upgrade

import "golang.org/x/sys/unix"

// redirect makes the descriptor onto another name of fd, and closes fd.
func redirect(fd, onto int) error {
	if err := unix.Dup2(fd, onto); err != nil {
		return err
	}
	return unix.Close(fd)
}
